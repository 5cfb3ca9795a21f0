"""Records as another version wrote them, with a field more or a field less."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from functools import partial
from typing import Any

import pytest

from allegro_queue.stores import collecting, entries, masters, pauses, scheduler_record, workers
from allegro_queue.stores.collecting import CollectorRecord
from allegro_queue.stores.entries import Account, EntryPause, EntryState
from allegro_queue.stores.pauses import Pause
from tests.support import records

POOL = masters.PoolRecord(queue=("high",), wanted=1, workers=1)
DEATH = records.lost(1_000.0)

WRITTEN: dict[str, tuple[Any, Callable[[bytes], Any]]] = {
    "master": (records.master(1_000.0, supervisors=(records.supervisor(pools=(POOL,)),)), masters.read_master),
    "worker": (records.worker(1_000.0), workers.read_worker),
    "death": (DEATH, workers.read_lost),
    "scheduler": (records.scheduler(1_000.0), scheduler_record.read_scheduler),
    "pause": (Pause(queue="high", since=1_000.0, by="ada", reason="deploy"), pauses.read_pause),
    "collector": (
        CollectorRecord(
            host="web-1", pid=1, master="", started_at=1, beat_at=2, behind=0, behind_seconds=0, per_second=5
        ),
        collecting.read_record,
    ),
    "account": (Account(what="run", due_at=1_000.0, at=1_001.0), lambda text: entries.read_account(json.loads(text))),
    "state": (EntryState(last=Account(what="run", due_at=1_000.0, at=1_001.0), runs=1), entries.read_state),
    "entry's pause": (EntryPause(entry="tick", since=1_000.0), partial(entries.read_pause, "tick")),
}


def with_each_field_gone() -> Iterator[tuple[str, str]]:
    for what, (record, _) in WRITTEN.items():
        yield from ((what, each.name) for each in fields(record))


def as_read(what: str, given: dict[str, Any]) -> Any:
    return WRITTEN[what][1](json.dumps(given).encode())


@pytest.mark.parametrize("what", WRITTEN)
def test_what_another_version_says_besides_is_left_out(what: str) -> None:
    record = WRITTEN[what][0]

    assert as_read(what, {**asdict(record), "fate": "sealed"}) == record


@pytest.mark.parametrize(("what", "name"), list(with_each_field_gone()))
def test_what_another_version_does_not_say_is_blank_and_the_rest_is_read(what: str, name: str) -> None:
    record = WRITTEN[what][0]
    given = asdict(record)
    del given[name]

    found = as_read(what, given)

    said = [each.name for each in fields(record) if each.name not in (name, f"{name}_said")]
    assert [getattr(found, each) for each in said] == [getattr(record, each) for each in said]
    if isinstance(was := getattr(record, name), str | tuple):
        assert isinstance(getattr(found, name), type(was))


def test_supervisors_and_their_pools_are_read_likewise() -> None:
    given = asdict(WRITTEN["master"][0])
    (supervisor,) = given["supervisors"]
    for name in ("queue", "workers", "balance", "status"):
        del supervisor[name]
    del supervisor["pools"][0]["queue"]

    (found,) = as_read("master", given).supervisors

    assert (found.name, found.queue, found.workers, found.balance, found.status) == ("supervisor-1", (), (), False, "")
    assert [(pool.queue, pool.wanted) for pool in found.pools] == [((), 1)]


def test_what_an_older_version_said_in_english_alone_is_told_so_without_its_stop() -> None:
    given = {**asdict(DEATH), "reason": "was killed by somebody."}
    del given["reason_said"]

    found = workers.read_lost(json.dumps(given))

    assert (found.reason_said, found.reason_telling.words) == (None, "was killed by somebody")
