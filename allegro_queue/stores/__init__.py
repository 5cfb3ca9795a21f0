"""Redis commands and the values they keep, side by side. The only code of the library that sends Redis commands.

``open_stores()`` gives all stores over one client.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from allegro_queue.conf import horizon_settings
from allegro_queue.connection import client
from allegro_queue.stores.controls import ControlStore
from allegro_queue.stores.entries import EntryStore
from allegro_queue.stores.jobs import JobStore
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.masters import MasterStore
from allegro_queue.stores.metrics import MetricsStore
from allegro_queue.stores.pauses import PauseStore
from allegro_queue.stores.pulse import PulseStore
from allegro_queue.stores.reservations import ReservationStore
from allegro_queue.stores.schedule import ScheduleStore
from allegro_queue.stores.workers import WorkerStore
from allegro_queue.stores.workload import WorkloadStore


@dataclass(frozen=True, slots=True)
class Stores:
    """Every store, over one client and one prefix."""

    client: Redis
    keys: Keys
    controls: ControlStore
    entries: EntryStore
    jobs: JobStore
    masters: MasterStore
    metrics: MetricsStore
    pauses: PauseStore
    pulse: PulseStore
    reservations: ReservationStore
    schedule: ScheduleStore
    workers: WorkerStore
    workload: WorkloadStore


def open_stores(connection: Redis | None = None) -> Stores:
    """Every store over this process's client, or over the one given."""
    connection = connection if connection is not None else client()
    keys = Keys(horizon_settings().prefix)
    return Stores(
        client=connection,
        keys=keys,
        controls=ControlStore(connection, keys),
        entries=EntryStore(connection, keys),
        jobs=JobStore(connection),
        masters=MasterStore(connection, keys),
        metrics=MetricsStore(connection, keys),
        pauses=PauseStore(connection, keys),
        pulse=PulseStore(connection, keys),
        reservations=ReservationStore(connection, keys),
        schedule=ScheduleStore(connection, keys),
        workers=WorkerStore(connection, keys),
        workload=WorkloadStore(connection, keys),
    )
