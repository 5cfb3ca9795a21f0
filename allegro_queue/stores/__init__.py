"""Redis commands and the values they keep, side by side. The only code of the library that sends Redis commands.

``open_stores()`` gives all stores over one client.
"""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

from allegro_queue.conf import horizon_settings
from allegro_queue.connection import client
from allegro_queue.stores.alerts import AlertStore
from allegro_queue.stores.audit import AuditStore
from allegro_queue.stores.batches import BatchStore
from allegro_queue.stores.bin import BinStore
from allegro_queue.stores.bulk import BulkStore
from allegro_queue.stores.candidates import CandidateStore
from allegro_queue.stores.collecting import CollectingStore
from allegro_queue.stores.controls import ControlStore
from allegro_queue.stores.copies import CopyStore
from allegro_queue.stores.enqueue import EnqueueStore
from allegro_queue.stores.entries import EntryStore
from allegro_queue.stores.failed_jobs import FailedJobStore
from allegro_queue.stores.job_lists import JobListStore
from allegro_queue.stores.jobs import JobStore
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.locks import LockStore
from allegro_queue.stores.masters import MasterStore
from allegro_queue.stores.metrics import MetricsStore
from allegro_queue.stores.notes import NoteStore
from allegro_queue.stores.pauses import PauseStore
from allegro_queue.stores.pulse import PulseStore
from allegro_queue.stores.reservations import ReservationStore
from allegro_queue.stores.runs import RunStore
from allegro_queue.stores.schedule import ScheduleStore
from allegro_queue.stores.schedulers import SchedulerStore
from allegro_queue.stores.seats import SeatStore
from allegro_queue.stores.server import ServerStore
from allegro_queue.stores.workers import WorkerStore
from allegro_queue.stores.workload import WorkloadStore


@dataclass(frozen=True, slots=True)
class Stores:
    """Every store, over one client and one prefix."""

    client: Redis
    keys: Keys
    alerts: AlertStore
    audit: AuditStore
    batches: BatchStore
    bin: BinStore
    bulk: BulkStore
    candidates: CandidateStore
    collecting: CollectingStore
    controls: ControlStore
    copies: CopyStore
    enqueue: EnqueueStore
    entries: EntryStore
    failed_jobs: FailedJobStore
    job_lists: JobListStore
    jobs: JobStore
    locks: LockStore
    masters: MasterStore
    metrics: MetricsStore
    notes: NoteStore
    pauses: PauseStore
    pulse: PulseStore
    reservations: ReservationStore
    runs: RunStore
    schedule: ScheduleStore
    schedulers: SchedulerStore
    server: ServerStore
    seats: SeatStore
    workers: WorkerStore
    workload: WorkloadStore


def open_stores(connection: Redis | None = None) -> Stores:
    """Every store over this process's client, or over the one given."""
    connection = connection if connection is not None else client()
    settings = horizon_settings()
    keys = Keys(settings.prefix)
    return Stores(
        client=connection,
        keys=keys,
        alerts=AlertStore(connection, keys),
        audit=AuditStore(connection, keys),
        batches=BatchStore(connection, keys),
        bin=BinStore(connection, keys),
        bulk=BulkStore(connection, keys),
        candidates=CandidateStore(connection),
        collecting=CollectingStore(connection, keys),
        controls=ControlStore(connection, keys),
        copies=CopyStore(connection),
        enqueue=EnqueueStore(connection, keys),
        entries=EntryStore(connection, keys),
        failed_jobs=FailedJobStore(connection, keys),
        job_lists=JobListStore(connection, keys),
        jobs=JobStore(connection, keys),
        locks=LockStore(connection, keys),
        masters=MasterStore(connection, keys),
        metrics=MetricsStore(connection, keys),
        notes=NoteStore(
            connection,
            keys,
            lines=settings.log_lines,
            jobs=settings.notes_kept,
            life=settings.failed_minutes * 60,
        ),
        pauses=PauseStore(connection, keys),
        pulse=PulseStore(connection, keys),
        reservations=ReservationStore(connection, keys),
        runs=RunStore(keys, settings.runs_kept),
        schedule=ScheduleStore(connection, keys),
        schedulers=SchedulerStore(connection, keys),
        server=ServerStore(connection, keys),
        seats=SeatStore(connection, keys),
        workers=WorkerStore(connection, keys),
        workload=WorkloadStore(connection, keys),
    )
