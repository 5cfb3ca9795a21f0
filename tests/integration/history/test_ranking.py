from __future__ import annotations

import time

import pytest

from allegro_queue.history import ranking
from allegro_queue.history.ranking import busiest
from allegro_queue.metrics.counts import HOUR
from allegro_queue.stores import Stores
from tests.support.runs import collected, run_record

pytestmark = pytest.mark.django_db

SLOW, QUICK = "shop.orders.jobs.slow", "shop.orders.jobs.quick"


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "_kept", {})


def runs_of(stores: Stores, name: str, seconds: float) -> None:
    now = time.time()
    collected(stores, run_record(now, name=name, started_at=now - seconds))


def test_names_are_ranked_by_the_time_that_their_runs_took(stores: Stores) -> None:
    runs_of(stores, QUICK, 1)
    runs_of(stores, SLOW, 5)

    assert busiest("job", since=time.time() - 2 * HOUR) == [SLOW, QUICK]


def test_an_order_that_was_found_at_once_is_never_kept(stores: Stores) -> None:
    since = time.time() - 2 * HOUR
    runs_of(stores, QUICK, 1)
    first = busiest("job", since=since)
    runs_of(stores, SLOW, 5)

    assert first == [QUICK]
    assert busiest("job", since=since) == [SLOW, QUICK]


def test_an_order_that_took_long_is_kept_for_its_time_and_no_longer(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "SLOW_SECONDS", -1)
    since = time.time() - 2 * HOUR
    runs_of(stores, QUICK, 1)
    busiest("job", since=since)
    runs_of(stores, SLOW, 5)

    assert busiest("job", since=since) == [QUICK]
    assert busiest("job", since=since - HOUR) == [SLOW, QUICK]
    for asked, (until, names) in ranking._kept.items():
        ranking._kept[asked] = (until - ranking.KEPT_SECONDS, names)
    assert busiest("job", since=since) == [SLOW, QUICK]
