from __future__ import annotations

import random

import pytest

from allegro_queue.metrics.histograms import (
    LAST,
    added,
    bucket_of,
    decode,
    encode,
    lower_bound,
    percentile,
    upper_bound,
)


@pytest.mark.parametrize("seconds", [0, 0.00005, 0.0001, 0.001, 0.3, 1, 59.9, 3600, 80_000])
def test_a_duration_lies_within_its_bucket(seconds: float) -> None:
    bucket = bucket_of(seconds)

    assert lower_bound(bucket) <= seconds + 1e-9
    assert seconds < upper_bound(bucket) + 1e-9


def test_no_duration_is_beyond_the_last_bucket() -> None:
    assert bucket_of(10.0**9) == LAST
    assert bucket_of(-1) == 0


def test_a_histogram_survives_its_text_and_adds_up() -> None:
    found = {0: 1, 12: 30, 61: 2}

    assert decode(encode(found)) == found
    assert decode("") == {}
    assert added([found, {12: 1, 3: 4}]) == {0: 1, 3: 4, 12: 31, 61: 2}


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_percentiles_are_right_to_a_fifth(share: float) -> None:
    luck = random.Random(3)
    durations = sorted(luck.lognormvariate(-1, 1.5) for _ in range(20_000))
    histogram: dict[int, int] = {}
    for each in durations:
        histogram[bucket_of(each)] = histogram.get(bucket_of(each), 0) + 1

    found = percentile(histogram, share, durations[-1])

    assert found == pytest.approx(durations[int(share * len(durations))], rel=0.2)


def test_no_percentile_exceeds_the_longest_and_of_nothing_there_is_none() -> None:
    assert percentile({30: 1}, 0.99, 2.5) == pytest.approx(2.5, rel=0.01)
    assert percentile({}, 0.5, 0) is None
