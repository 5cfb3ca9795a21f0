"""What the database adds up is what the stretches add up to."""

from __future__ import annotations

import time

import pytest

from allegro_queue.history.measured import points, whole
from allegro_queue.history.summed import counts_of, sums_of
from allegro_queue.metrics.counts import FIVE_MINUTES
from allegro_queue.stores import Stores
from tests.support.runs import collected, failed_record, run_record

pytestmark = pytest.mark.django_db

PAY, DELIVER = "shop.orders.jobs.pay", "shop.orders.jobs.deliver"


def test_names_are_summed_up_as_their_stretches_are(stores: Stores) -> None:
    start = time.time() // FIVE_MINUTES * FIVE_MINUTES - 10 * FIVE_MINUTES
    runs = [
        run_record(start + 40 * number, name=(PAY, DELIVER)[number % 2], started_at=start + 40 * number - number / 7)
        for number in range(60)
    ]
    collected(stores, *runs, failed_record(start + 7, name=PAY))
    names = {"queue": ["default", "high"], "job": [PAY, DELIVER]}

    counts = counts_of(names, seconds=FIVE_MINUTES, since=start)
    sums = sums_of(names, seconds=FIVE_MINUTES, since=start, first=start, bucket_seconds=2 * FIVE_MINUTES)
    later = sums_of(
        names, seconds=FIVE_MINUTES, since=start, first=start + 2 * FIVE_MINUTES, bucket_seconds=2 * FIVE_MINUTES
    )

    for kind in ("queue", "job"):
        for name, found in points(kind, names[kind], seconds=FIVE_MINUTES, since=start).items():
            summed, expected = counts[kind].get(name), whole(found)
            assert (summed is None) is (not found)
            if summed is not None:
                summed.run_seconds, summed.wait_seconds = round(summed.run_seconds, 6), round(summed.wait_seconds, 6)
                expected.run_seconds, expected.wait_seconds = (
                    round(expected.run_seconds, 6),
                    round(expected.wait_seconds, 6),
                )
                assert summed == expected
                assert sum(sums[kind][name].done.values()) == expected.succeeded
    assert {kind: {name: each.counts for name, each in found.items()} for kind, found in sums.items()} == counts_of(
        names, seconds=FIVE_MINUTES, since=start
    )
    assert sums["job"][PAY].done == {0: 8, 1: 7, 2: 8, 3: 7}
    assert later["job"][PAY].done == {0: 7, 1: 8, 2: 7}
    assert counts_of({"queue": []}, seconds=FIVE_MINUTES, since=start) == {"queue": {}}
