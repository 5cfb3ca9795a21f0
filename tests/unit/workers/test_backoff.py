from __future__ import annotations

import pytest

from allegro_queue.terms import Terms
from allegro_queue.workers.backoff import pause_after, whole_rest


@pytest.mark.parametrize(("attempt", "pause"), [(1, 5), (2, 30), (3, 300), (4, 300), (50, 300)])
def test_each_attempt_has_its_pause_and_the_last_counts_for_all_that_follow(attempt: int, pause: float):
    assert pause_after(Terms(backoff=(5, 30, 300)), attempt, chance=0.5) == pause


def test_a_job_that_names_no_pause_is_tried_again_at_once():
    assert pause_after(Terms(), 1, chance=0.9) == 0


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 100), (0.5, 110), (1.0, 120)])
def test_jitter_only_makes_a_pause_longer_by_its_share_at_most(chance: float, pause: float):
    assert pause_after(Terms(backoff=(100,), jitter=0.2), 1, chance=chance) == pytest.approx(pause)


@pytest.mark.parametrize(("pause", "now"), [(2, 100.0), (2, 100.999), (0.25, 100.9), (7.5, 3.2)])
def test_the_rest_in_whole_seconds_never_ends_before_the_pause_nor_more_than_a_second_later(pause: float, now: float):
    # RQ cuts off the fraction of the time at which it schedules.
    due = int(now + whole_rest(pause, now))

    assert now + pause <= due < now + pause + 1


def test_no_pause_is_no_rest():
    assert whole_rest(0, 100.5) == 0
