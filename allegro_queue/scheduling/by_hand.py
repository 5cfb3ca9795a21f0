"""Runs an entry now, beside its schedule: its next time stays."""

from __future__ import annotations

from uuid import uuid4

from allegro_queue.conf import horizon_settings
from allegro_queue.dispatch import enqueue, resolve_options
from allegro_queue.errors import HorizonError, InvalidJob, did_you_mean
from allegro_queue.jobs import JobOptions, is_allowed
from allegro_queue.scheduling.install import declared_entries
from allegro_queue.scheduling.templates import options_of
from allegro_queue.stores import Stores
from allegro_queue.stores.schedule import LastRun


class UnknownEntry(HorizonError):
    """No cron entry has this name."""


def run_by_hand(stores: Stores, name: str, now: float) -> str:
    """Queue one run of an entry, as a job of its own; the job's id.

    Raises:
        UnknownEntry: no entry has this name; the message has the nearest.
        InvalidJob: the entry's function may not run here.
        QueueUnavailable: Redis did not answer; nothing was queued.
    """
    settings = horizon_settings()
    entries = {entry.name: entry for entry in declared_entries()}
    entry = entries.get(name)
    if entry is None:
        raise UnknownEntry(f"HORIZON['schedule'] has no entry {name!r}{did_you_mean(name, entries)}")
    if not is_allowed(entry.job, tuple(settings.allowed_jobs)):
        raise InvalidJob(f"{entry.job} is not under HORIZON['allowed_jobs'], so no worker would run it.")
    options = resolve_options(
        settings, JobOptions(queue=entry.queue, timeout=entry.timeout).over(options_of(entry.job))
    )
    job_id = f"{entry.name}-{uuid4()}"
    enqueue(settings, entry.job, entry.args, dict(entry.kwargs), options, job_id)
    stores.schedule.note_run(LastRun(entry=entry.name, due_at=now, enqueued_at=now, job_id=job_id))
    return job_id
