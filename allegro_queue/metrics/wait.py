"""Estimates of how long the backlog lasts. Pure; an estimate is called one wherever it is shown."""

from __future__ import annotations

from collections.abc import Mapping


def drain_seconds(
    lengths: Mapping[str, int], runtimes_ms: Mapping[str, float], processes: int
) -> dict[str, float | None]:
    """Seconds until each queue would be empty, for queues that are drained in strict order.

    A queue waits for all those ahead of it, so the figure only grows down the list. ``None`` from the first queue on
    that has jobs waiting and no known run time, and where no process works.

    Args:
        lengths: waiting jobs by queue, highest priority first.
        runtimes_ms: mean run time by queue, in milliseconds, for the queues where it is known.
        processes: worker processes that serve these queues.
    """
    drains: dict[str, float | None] = {}
    ahead: float | None = 0.0
    for queue, length in lengths.items():
        if length and ahead is not None:
            runtime = runtimes_ms.get(queue)
            ahead = ahead + length * runtime / 1000 / processes if runtime is not None and processes else None
        drains[queue] = ahead
    return drains
