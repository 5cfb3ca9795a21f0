"""Makes the schedule in Redis say what the settings say."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from django.utils.timezone import get_default_timezone

from allegro_queue.conf import horizon_settings
from allegro_queue.dispatch import DEFAULT_QUEUE
from allegro_queue.scheduling.entries import OWN_PREFIX, CronEntry, entries_from
from allegro_queue.scheduling.scheduler import HorizonScheduler
from allegro_queue.scheduling.templates import comes_at_same_times, is_same, template_fields
from allegro_queue.scheduling.times import next_due

log = logging.getLogger(__name__)


def declared_entries() -> tuple[CronEntry, ...]:
    """The entries of the settings as they are now."""
    return entries_from(horizon_settings().schedule, DEFAULT_QUEUE)


def install(entries: Iterable[CronEntry], scheduler: HorizonScheduler, now: float | None = None) -> None:
    """Make the schedule say what the entries say, no more and no less, however often called.

    An entry that is there unchanged keeps its next time, also when that has passed: then it runs at once, one time.
    Only ids that start with ``cron-`` are ours to remove.
    """
    moment = time.time() if now is None else now
    settings, store = horizon_settings(), scheduler.store
    wanted = {entry.scheduled_id: entry for entry in entries}
    gone = [each for each in store.scheduled_ids() if each.startswith(OWN_PREFIX) and each not in wanted]
    store.remove(gone)
    for each in gone:
        log.info("entry removed name=%s", each.removeprefix(OWN_PREFIX))
    held = store.fields(list(wanted))
    next_times = dict(zip(wanted, store.next_times(list(wanted)), strict=True))
    for scheduled_id, entry in wanted.items():
        fields = template_fields(entry, settings, scheduler.connection)
        if next_times[scheduled_id] is not None and is_same(fields, held[scheduled_id]):
            continue
        due_at = next_due(entry.cron, moment, get_default_timezone())
        store.put(scheduled_id, fields, due_at, keep_time=comes_at_same_times(entry, held[scheduled_id]))
        log.info("entry installed name=%s cron=%r queue=%s", entry.name, entry.cron, entry.queue)
    store.forget_runs(sorted(set(store.last_runs()) - {entry.name for entry in wanted.values()}))
    scheduler.declared = wanted
