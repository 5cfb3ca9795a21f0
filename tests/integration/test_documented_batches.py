"""The examples of docs/batches.md, run as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from redis import Redis

from allegro_queue.batches import NewBatch
from allegro_queue.dispatch import dispatch
from allegro_queue.stores import Stores
from allegro_queue.stores.batches import BatchRecord
from tests.support.burst import work_off_with_terms

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "batches.md"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that all examples of the page have made, run from its top."""
    module = ModuleType("tests.documented_batches")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for example in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        exec(compile(example, str(PAGE), "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def record(made: NewBatch) -> BatchRecord:
    found = made.record()
    assert found is not None
    return found


def test_every_example_does_what_the_page_says(page: dict[str, Any], redis: Redis, stores: Stores):
    export = dispatch(page["export"], 40)

    assert work_off_with_terms(redis) == []

    members, sync, pages = record(page["members"]), record(page["sync"]), record(page["pages"])
    assert (members.total, members.succeeded) == (3, 3)
    assert {which: each.queued_at is not None for which, each in members.following.items()} == {
        "then": True,
        "catch": False,
        "finally": True,
    }
    assert (sync.total, sync.skipped, sync.cancelled_by) == (2, 2, "the night shift")
    assert (pages.total, pages.succeeded) == (6, 6)
    assert page["how_it_stands"].total == 2
    progress = stores.notes.of(export).progress
    assert progress is not None
    assert (progress.done, progress.total, progress.note) == (40, 40, "rows written")
