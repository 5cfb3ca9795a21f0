from __future__ import annotations

from django.utils.module_loading import import_string

from allegro_queue.history.snapshot import snapshot
from allegro_queue.scheduling.snapshots import SNAPSHOT, snapshot_entry, too_old_from
from tests.support.schedule import entry

NOON = 1_764_072_000.0


def test_the_entry_is_known_by_the_function_that_takes_snapshots():
    mine = entry("mine", job=SNAPSHOT)

    assert import_string(SNAPSHOT) is snapshot
    assert snapshot_entry([entry(), entry("off", job=SNAPSHOT, enabled=False), mine]) is mine


def test_a_snapshot_is_too_old_when_two_more_were_due_and_the_second_had_some_time_to_come():
    assert too_old_from([entry(job=SNAPSHOT)], NOON + 2) == NOON + 11 * 60
    assert too_old_from([entry(job=SNAPSHOT, cron="0 * * * *")], NOON + 2) == NOON + (2 * 60 + 12) * 60
    assert too_old_from([entry(job=SNAPSHOT, cron="", every=5)], NOON + 1) == NOON + 11


def test_where_somebody_else_calls_for_snapshots_they_are_too_old_after_eleven_minutes():
    assert too_old_from([entry()], NOON) == NOON + 11 * 60
