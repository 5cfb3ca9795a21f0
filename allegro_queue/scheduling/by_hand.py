"""What people do to an entry: run it now beside its schedule, pause it, resume it."""

from __future__ import annotations

from uuid import uuid4

from django.utils.translation import gettext_noop

from allegro_queue.conf import horizon_settings
from allegro_queue.dispatch import enqueue, resolve_options
from allegro_queue.errors import HorizonError, InvalidJob, nearest
from allegro_queue.jobs import JobOptions, is_allowed
from allegro_queue.scheduling.entries import CronEntry
from allegro_queue.scheduling.table import known_entries
from allegro_queue.scheduling.templates import options_of
from allegro_queue.stores import Stores
from allegro_queue.stores.entries import EntryPause
from allegro_queue.tellings import telling


class UnknownEntry(HorizonError):
    """No cron entry has this name."""


def find_entry(stores: Stores, name: str, now: float) -> CronEntry:
    """The entry of a name.

    Raises:
        UnknownEntry: no entry has it; the message has the nearest.
    """
    entries = {entry.name: entry for entry in known_entries(stores.entries.known(now))}
    if name not in entries:
        near = nearest(name, entries)
        text = (
            gettext_noop("HORIZON['schedule'] has no entry {name}; did you mean {near}?")
            if near
            else gettext_noop("HORIZON['schedule'] has no entry {name}; known are {known}.")
        )
        known = ", ".join(map(repr, sorted(entries)))
        raise UnknownEntry(telling(text, name=repr(name[:200]), near=repr(near), known=known))
    return entries[name]


def run_by_hand(stores: Stores, name: str, now: float, by: str = "") -> str:
    """Queue one run of an entry, as a job of its own; the job's id. Its next time stays.

    Raises:
        UnknownEntry: no entry has this name; the message has the nearest.
        InvalidJob: the entry's function may not run here.
        QueueUnavailable: Redis did not answer; nothing was queued.
    """
    settings = horizon_settings()
    entry = find_entry(stores, name, now)
    if not is_allowed(entry.job, tuple(settings.allowed_jobs)):
        raise InvalidJob(
            telling("{job} is not under HORIZON['allowed_jobs'], so no worker would run it.", job=entry.job)
        )
    said = options_of(entry.job)
    tags = said.tags if isinstance(said.tags, tuple | list) else ()
    asked = JobOptions(queue=entry.queue, timeout=entry.timeout, unique=False, tags=(*tags, f"entry:{entry.name}"))
    options = resolve_options(settings, asked.over(said))
    job_id = f"{entry.name}-{uuid4()}"
    enqueue(settings, entry.job, entry.args, dict(entry.kwargs), options, job_id)
    stores.entries.note_by_hand(entry.name, job_id, now, by)
    return job_id


def pause_entry(stores: Stores, name: str, now: float, *, until: float | None, by: str, reason: str) -> None:
    """Skip the times of an entry, until one or until it is resumed; what has been queued runs.

    Raises:
        UnknownEntry: no entry has this name; the message has the nearest.
    """
    entry = find_entry(stores, name, now)
    stores.entries.pause(EntryPause(entry=entry.name, since=now, until=until, by=by, reason=reason))


def resume_entry(stores: Stores, name: str, now: float) -> bool:
    """Queue an entry again when it is due; whether it was paused.

    Raises:
        UnknownEntry: no entry has this name; the message has the nearest.
    """
    return stores.entries.resume(find_entry(stores, name, now).name)
