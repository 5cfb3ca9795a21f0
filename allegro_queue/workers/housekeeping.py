"""What has to be tidied now and then in RQ's registries and in our own records: done by one process of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.workers.filing import FilingWorker


class Tidier(FilingWorker):
    """Runs RQ's maintenance; what it files of abandoned jobs was held by workers of RQ's own, never by itself."""

    def until_filed(self, file: Callable[[], object]) -> None:
        """Once: it comes again."""
        file()

    def patiently(self, step: Callable[[], object]) -> None:
        step()


def keep_house(stores: Stores, queues: Sequence[str], now: float) -> None:
    """Drop what has expired: RQ's registry entries, leases and dead workers, and pauses of ours that are over. And count what
    ended without its batch being told.

    Args:
        now: Unix time.
    """
    tidier = Tidier(
        [get_queue(each, stores.client) for each in queues],
        name="horizon housekeeping",
        connection=stores.client,
        prepare_for_work=False,
    )
    tidier.run_maintenance_tasks()
    stores.pauses.prune(now)
    stores.controls.prune(now)
    stores.batches.tidy()
