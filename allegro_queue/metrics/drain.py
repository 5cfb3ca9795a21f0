"""How long a backlog will take: an estimate, and called one wherever it is shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping


def drain_estimates(
    waiting: Mapping[str, int], runtimes: Mapping[str, float], processes: int
) -> dict[str, float | None]:
    """Seconds until each queue would be empty, for queues that are drained in strict order.

    A queue waits for all those ahead of it, so the figure only grows down the list. It supposes that nothing more comes
    and that jobs take as long as lately; ``None`` for a queue with a backlog, or behind one, whose jobs nobody has timed.

    Args:
        waiting: jobs by queue, in the order of priority.
        runtimes: mean seconds of a run by queue.
        processes: workers that serve all of them.
    """
    found: dict[str, float | None] = {}
    ahead: float | None = 0.0
    for queue, count in waiting.items():
        if count and ahead is not None:
            ahead = ahead + count * runtimes[queue] if queue in runtimes else None
        found[queue] = None if ahead is None else ahead / max(processes, 1)
    return found
