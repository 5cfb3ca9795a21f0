"""Failure groups, as they are read."""

from __future__ import annotations

import time

import pytest

from allegro_queue.history.filters import Filter
from allegro_queue.history.group_rows import find_groups, group_counts, group_of
from allegro_queue.history.groups import GroupState, mark
from allegro_queue.history.models import Run
from allegro_queue.history.run_pages import find_runs
from allegro_queue.history.runs import run_at
from allegro_queue.stores import Stores
from tests.support.runs import collected, failed_record


@pytest.mark.django_db
def test_a_group_tells_how_often_lately_and_since_when(stores: Stores) -> None:
    now = time.time()
    collected(
        stores,
        failed_record(now - 30 * 3600, version="v1"),
        failed_record(now - 3 * 3600),
        failed_record(now),
        failed_record(now),
        failed_record(now - 60, name="shop.other"),
    )

    newest, other = find_groups(now=now)

    assert (newest.count, newest.last_hour, newest.last_day, newest.last_week) == (4, 2, 3, 4)
    assert (newest.first_at, newest.last_at) == (pytest.approx(now - 30 * 3600), pytest.approx(now))
    assert len(newest.trend) == 24
    assert sum(newest.trend) == 3
    assert (newest.state, newest.first_version, newest.frame) == (GroupState.NEW, "v1", "shop/orders/jobs.py in pay")
    assert other.name == "shop.other"
    sample = run_at(newest.last_run)
    assert sample is not None
    assert "in pay" in sample.traceback
    assert len(find_runs(Filter(fingerprint=newest.fingerprint)).rows) == 4


@pytest.mark.django_db
def test_each_group_counts_once_and_one_whose_mute_is_over_as_known(stores: Stores) -> None:
    now = time.time()
    names = [f"shop.job_{number}" for number in range(5)]
    collected(stores, *(failed_record(now - 9, name=name) for name in names))
    known, muted, over, resolved, _ = (Run.objects.get(name=name).fingerprint for name in names)

    mark([known], GroupState.KNOWN, by="ada", now=now)
    mark([muted], GroupState.MUTED, by="ada", now=now, until=now + 100)
    mark([over], GroupState.MUTED, by="ada", now=now, until=now + 10)
    mark([resolved], GroupState.RESOLVED, by="ada", now=now)

    assert group_counts(now + 50) == {
        GroupState.NEW: 1,
        GroupState.KNOWN: 2,
        GroupState.MUTED: 1,
        GroupState.RESOLVED: 1,
        GroupState.AGAIN: 0,
    }


@pytest.mark.django_db
def test_a_resolved_group_comes_back_and_a_muted_one_stays_quiet_for_its_time(stores: Stores) -> None:
    now = time.time()
    collected(stores, failed_record(now))
    fingerprint = Run.objects.get().fingerprint

    def state(at: float) -> GroupState:
        found = group_of(fingerprint, now=at)
        assert found is not None
        return found.state

    assert mark([fingerprint], GroupState.RESOLVED, by="ada", now=now + 1) == 1
    collected(stores, failed_record(now + 0.5))
    assert state(now) is GroupState.RESOLVED
    collected(stores, failed_record(now + 2))
    assert state(now) is GroupState.AGAIN
    mark([fingerprint], GroupState.MUTED, by="ada", now=now, until=now + 100)
    collected(stores, failed_record(now + 50))
    assert state(now + 50) is GroupState.MUTED
    assert state(now + 100) is GroupState.KNOWN
    collected(stores, failed_record(now + 101))
    assert group_counts(now)[GroupState.KNOWN] == 1
    assert [each.count for each in find_groups(now=now, states=[GroupState.KNOWN])] == [5]
    assert find_groups(now=now, states=[GroupState.NEW]) == []
