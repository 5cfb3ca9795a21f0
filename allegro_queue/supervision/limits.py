"""How the workers that a master may have are dealt out to its pools, and why a pool has fewer than it asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allegro_queue.plan import Plan
from allegro_queue.stores.seats import Seats
from allegro_queue.tellings import Telling, telling


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What one pool asks for."""

    queue: str
    """The queue that it serves alone; empty when it serves several."""
    asked: int
    """Workers that it should have by its load."""
    leaving: int = 0
    """Workers that still finish a job; they take up room."""
    living: int = 0
    """All its processes, those that leave included."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """What one pool may have."""

    processes: int
    explanation: Telling | None = None
    """Why that is fewer than asked for: ``asked for 5, 3 allowed: the cluster may have 8``."""


def limits_of(plan: Plan) -> Seats:
    """The limits that hold for all masters together."""
    queues = {name: each.max_processes for name, each in plan.queues.items() if each.max_processes}
    return Seats(total=plan.max_processes, queues=queues)


def wanted(wishes: Sequence[Wish]) -> Seats:
    """What the pools ask for together."""
    return added(wishes, [each.asked + each.leaving for each in wishes])


def living(wishes: Sequence[Wish]) -> Seats:
    """What they have together."""
    return added(wishes, [each.living for each in wishes])


def added(wishes: Sequence[Wish], numbers: Sequence[int]) -> Seats:
    queues: dict[str, int] = {}
    for wish, number in zip(wishes, numbers, strict=True):
        if wish.queue:
            queues[wish.queue] = queues.get(wish.queue, 0) + number
    return Seats(total=sum(numbers), queues=queues)


def deal_out(wishes: Sequence[Wish], allowed: Seats, limits: Seats) -> list[Allowance]:
    """One worker to each pool in turn, the first ones first, until each has what it asked for or nothing is left."""
    left = allowed.total - sum(each.leaving for each in wishes)
    left_by_queue = dict(allowed.queues)
    for wish in wishes:
        if wish.queue in left_by_queue:
            left_by_queue[wish.queue] -= wish.leaving
    dealt = [0 for _ in wishes]
    hungry = True
    while hungry and left > 0:
        hungry = False
        for place, wish in enumerate(wishes):
            if dealt[place] < wish.asked and left > 0 and left_by_queue.get(wish.queue, 1) > 0:
                dealt[place] += 1
                left -= 1
                if wish.queue in left_by_queue:
                    left_by_queue[wish.queue] -= 1
                hungry = True
    return [
        Allowance(processes=number, explanation=why(wish, number, left_by_queue, limits))
        for wish, number in zip(wishes, dealt, strict=True)
    ]


def why(wish: Wish, number: int, left_by_queue: Mapping[str, int], limits: Seats) -> Telling | None:
    """Which limit keeps a pool from what it asked for; ``None`` when none does."""
    if number >= wish.asked:
        return None
    if wish.queue in limits.queues and left_by_queue.get(wish.queue, 1) <= 0:
        return telling(
            "asked for {asked}, {number} allowed: the queue {queue} may have {most}",
            asked=wish.asked,
            number=number,
            queue=wish.queue,
            most=limits.queues[wish.queue],
        )
    return telling(
        "asked for {asked}, {number} allowed: the cluster may have {most}",
        asked=wish.asked,
        number=number,
        most=limits.total,
    )
