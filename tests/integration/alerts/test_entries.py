"""What alerts are told of the cron entries, as the scheduler and people leave them."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import pytest

from allegro_queue.management.alert_facts import entries
from allegro_queue.scheduling.declared import declared_entries
from allegro_queue.stores import Stores
from allegro_queue.stores.entries import Account, EntryPause


@pytest.fixture
def name() -> str:
    """An entry that is declared."""
    return declared_entries()[0].name


def left(stores: Stores, name: str, last: Account, **state: object) -> None:
    """Leave an entry's state as the scheduler does."""
    stores.client.hset(stores.keys.entries, name, json.dumps({"last": asdict(last), **state}))


def test_an_entry_that_is_paused_is_left_out(stores: Stores, name: str):
    now = time.time()
    stores.entries.pause(EntryPause(entry=name, since=now - 60, by="ada", reason="the provider is down"))

    found = {each.name for each in entries(stores, now)}

    assert name not in found
    assert found == {each.name for each in declared_entries()} - {name}


def test_a_run_tells_when_it_was_due_and_when_it_was_queued(stores: Stores, name: str):
    now = time.time()
    left(stores, name, Account(what="run", due_at=now - 700, at=now - 100, job_id="one"))

    found = next(each for each in entries(stores, now) if each.name == name)

    assert found.last_due_at == pytest.approx(now - 700)
    assert found.last_queued_at == pytest.approx(now - 100)
    assert found.last_error is None


@pytest.mark.parametrize("what", ["missed", "refused"])
def test_times_that_were_not_queued_say_why(stores: Stores, name: str, what: str):
    now = time.time()
    left(stores, name, Account(what=what, due_at=now - 60, at=now, reason="10 times had passed"))

    found = next(each for each in entries(stores, now) if each.name == name)

    assert str(found.last_error) == "10 times had passed"


def test_the_error_of_an_entry_that_cannot_run_goes_first(stores: Stores, name: str):
    now = time.time()
    left(stores, name, Account(what="missed", due_at=now - 60, at=now, reason="passed"), error="no such function")

    found = next(each for each in entries(stores, now) if each.name == name)

    assert str(found.last_error) == "no such function"


def test_times_that_a_pause_skipped_are_not_late_once_it_is_over(stores: Stores, name: str):
    now = time.time()
    skipped = Account(
        what="skipped", due_at=now - 60, at=now - 60, since=now - 86_400, count=24, reason="paused by ada"
    )
    left(stores, name, skipped)

    found = next(each for each in entries(stores, now) if each.name == name)

    assert (found.last_due_at, found.last_queued_at, found.last_error) == (None, None, None)
