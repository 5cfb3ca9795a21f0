"""Makes the schedule in Redis say what settings and database say."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from allegro_queue.conf import horizon_settings
from allegro_queue.scheduling.declared import Declared, as_data, declared_entries, read_installed
from allegro_queue.scheduling.entries import DATABASE, SETTINGS, CronEntry
from allegro_queue.scheduling.scheduler import HorizonScheduler
from allegro_queue.scheduling.templates import comes_at_same_times, following_of, is_same, template_fields
from allegro_queue.stores.schedule import OWN_PREFIX
from allegro_queue.tellings import read_telling

log = logging.getLogger(__name__)

__all__ = ["declared_entries", "install", "install_declared"]


def install(entries: Iterable[CronEntry], scheduler: HorizonScheduler, now: float | None = None) -> None:
    """Make the schedule say what these entries say, no more and no less, however often called."""
    install_declared(Declared(entries=tuple(entries)), scheduler, now)


def install_declared(
    declared: Declared, scheduler: HorizonScheduler, now: float | None = None, *, only_database: bool = False
) -> None:
    """Make the schedule say what is declared.

    An entry that is there unchanged keeps its next time, also when that has passed: then its rule for missed times
    says what is done. Only ids that start with ``cron-`` are ours to remove.

    Args:
        only_database: leave the settings' entries as whoever started last has installed them. During a deploy an older
            process still lives, and must not bring back what the newer one has just replaced.
    """
    store = scheduler.store
    moment = store.now() if now is None else now
    kept = scheduler.entries.known(moment).installed
    declared = merged(declared, kept, only_database)
    wanted = {entry.scheduled_id: entry for entry in declared.entries if entry.enabled}
    gone = [each for each in store.scheduled_ids() if each.startswith(OWN_PREFIX) and each not in wanted]
    store.remove(gone)
    for each in gone:
        log.info("entry removed name=%s", each.removeprefix(OWN_PREFIX))
    held = store.fields(list(wanted))
    next_times = dict(zip(wanted, store.next_times(list(wanted)), strict=True))
    for scheduled_id, entry in wanted.items():
        if only_database and entry.source == SETTINGS and next_times[scheduled_id] is not None:
            continue
        fields = template_fields(entry, horizon_settings(), scheduler.connection)
        if next_times[scheduled_id] is not None and is_same(fields, held[scheduled_id]):
            continue
        due_at = following_of(entry)(moment)
        store.put(scheduled_id, fields, due_at, keep_time=comes_at_same_times(entry, held[scheduled_id]))
        log.info("entry installed name=%s queue=%s", entry.name, entry.queue)
    tell(declared, kept)
    scheduler.entries.declare(as_data(declared))
    scheduler.declared = wanted


def merged(declared: Declared, kept: Mapping[str, Mapping[str, Any]], only_database: bool) -> Declared:
    """What is declared, with what Redis holds in place of what is not to be said, or cannot be."""
    ours = [entry for entry in declared.entries if entry.source == SETTINGS]
    theirs = [entry for entry in declared.entries if entry.source == DATABASE]
    if only_database:
        ours = list(read_installed(kept, SETTINGS))
    names = {entry.name for entry in ours}
    if not declared.database_known:
        theirs = list(read_installed(kept, DATABASE))
    clashes = declared.clashes if declared.database_known else {name for name in kept if kept[name].get("clash")}
    clashes = frozenset(clashes & names) | {entry.name for entry in theirs if entry.name in names}
    faults = {name: fault for name, fault in declared.faults.items() if name not in names}
    if not declared.database_known:
        faults = {
            name: read_telling(given.get("fault_said"), str(given["fault"]))
            for name, given in kept.items()
            if given.get("fault") and name not in names
        }
    theirs = [entry for entry in theirs if entry.name not in names]
    return Declared(entries=(*ours, *theirs), faults=faults, clashes=clashes)


def tell(declared: Declared, kept: Mapping[str, Mapping[str, Any]]) -> None:
    """Log faults and clashes that are new."""
    for name, fault in declared.faults.items():
        if kept.get(name, {}).get("fault") != fault.english:
            log.error("entry not installed name=%s: %s", name, fault)
    for name in sorted(declared.clashes):
        if not kept.get(name, {}).get("clash"):
            log.warning(
                "entry name=%s is in HORIZON['schedule'] and in the database; the one in the settings runs", name
            )
