"""Looking for dead workers of others: those that hold a job and show no sign of life at two looks."""

from __future__ import annotations

from collections.abc import Callable, Collection

from allegro_queue.stores import Stores
from allegro_queue.stores.workers import LostWorker
from allegro_queue.tellings import telling
from allegro_queue.workers.names import host_of, pid_of
from allegro_queue.workers.settling import settle


class Sweeper:
    """Remembers who was missing at the last look.

    One look proves little: right after Redis was away, the records of the living have run out too.

    Args:
        every: seconds between two looks. After a pause of more than twice that, what was seen before counts no more.
    """

    def __init__(self, stores: Stores, *, every: float) -> None:
        self._stores = stores
        self._every = every
        self._missing: dict[str, float] = {}
        self._looked_at: float | None = None

    def look(
        self,
        now: float,
        *,
        spare: Collection[str] = (),
        may_settle: Callable[[], bool] = lambda: True,
    ) -> list[LostWorker]:
        """Look around, and settle who has been missing since an earlier look.

        A worker lives if its record does, or if a living master says that it does: one whose job never lets its
        heartbeat run is still looked after by its master.

        Args:
            now: by the clock that never jumps.
            spare: workers known to be alive, whatever their records say.
            may_settle: asked when there is somebody to settle.
        """
        if self._looked_at is not None and now - self._looked_at > 2 * self._every:
            self._missing.clear()
        self._looked_at = now
        holders = {each.worker for each in self._stores.reservations.all()} - set(spare)
        missing = holders - self.said_to_live() if holders else set()
        self._missing = {name: self._missing.get(name, now) for name in missing}
        dead = sorted(name for name, since in self._missing.items() if now - since > self._every / 2)
        if not dead or not may_settle():
            return []
        settled = [
            settle(
                self._stores,
                name,
                host=host_of(name),
                pid=pid_of(name),
                reason=telling("showed no sign of life any more"),
            )
            for name in dead
        ]
        return [each for each in settled if each is not None]

    def said_to_live(self) -> set[str]:
        """Names of workers that themselves or their masters report."""
        names = {each.name for each in self._stores.workers.living()}
        for master in self._stores.masters.living():
            for supervisor in master.supervisors:
                names.update(supervisor.workers, supervisor.leaving)
        return names
