"""How many workers a master's supervisors have: by the work there is, and by what all masters may have together."""

from __future__ import annotations

import time
from collections.abc import Sequence

from allegro_queue.plan import Plan
from allegro_queue.stores import Stores
from allegro_queue.supervision.limits import Allowance, deal_out, limits_of, living, wanted
from allegro_queue.supervision.supervisor import Supervisor


class Staffing:
    """Reads from Redis what there is to do and what others have, and tells the supervisors."""

    def __init__(self, master: str, plan: Plan, supervisors: Sequence[Supervisor], stores: Stores) -> None:
        """``master`` is the name under which room is asked for."""
        self._master = master
        self._supervisors = supervisors
        self._stores = stores
        self._limits = limits_of(plan)
        self._is_limited = bool(self._limits.total or self._limits.queues)

    def hold_back(self, now: float) -> None:
        """Where all masters share a limit there is room for none until the first claim."""
        if self._is_limited:
            for supervisor in self._supervisors:
                supervisor.limit([Allowance(processes=0) for _ in supervisor.pools], now)

    def follow_the_load(self) -> None:
        """Have every supervisor look at the work there is."""
        queues = list(dict.fromkeys(queue for each in self._supervisors for queue in each.options.queue))
        workload = self._stores.workload.read(queues, time.time())
        workers = self._stores.workers.living()
        for supervisor in self._supervisors:
            supervisor.scale(workload, workers, time.monotonic())

    def claim_room(self, *, is_leaving: bool) -> None:
        """Where all masters share a limit: say what is wanted and what lives, and deal out what is allowed.

        One that leaves only says so, for the others' sake.
        """
        if not self._is_limited:
            return
        wishes = [pool.wish for supervisor in self._supervisors for pool in supervisor.pools]
        allowed = self._stores.seats.claim(
            self._master, wanted=wanted(wishes), living=living(wishes), limits=self._limits
        )
        if is_leaving:
            return
        allowances = iter(deal_out(wishes, allowed, self._limits))
        workers = self._stores.workers.living()
        for supervisor in self._supervisors:
            supervisor.limit([next(allowances) for _ in supervisor.pools], time.monotonic(), workers)

    def give_back(self) -> None:
        """The master has left."""
        self._stores.seats.free(self._master)
