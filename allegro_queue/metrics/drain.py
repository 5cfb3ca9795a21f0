"""How long a queue needs until it is empty: an estimate, and always called one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SHORTEST = 1.0
"""Seconds; below it an estimate says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drain:
    """What stands before the last job of a queue, and the pace at which it goes."""

    ahead: int
    """Jobs waiting in queues that are served first."""
    here: int
    per_minute: float
    """Jobs that ended per minute, over all queues of the order."""

    @property
    def seconds(self) -> float | None:
        """Until the queue is empty, if nothing new comes; ``None`` when nothing moves."""
        if not self.per_minute:
            return None
        return max((self.ahead + self.here) / self.per_minute * 60, SHORTEST)


def drain_of(queue: str, order: Sequence[str], waiting: Mapping[str, int], rates: Mapping[str, float]) -> Drain:
    """The estimate for one queue of a strict order: whatever stands in higher queues runs first.

    Args:
        waiting: jobs by queue; none for queues that hand out nothing.
        rates: jobs done per minute by queue, of late.
    """
    higher = order[: order.index(queue)]
    return Drain(
        ahead=sum(waiting.get(name, 0) for name in higher),
        here=waiting.get(queue, 0),
        per_minute=sum(rates.values()),
    )
