from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from allegro_queue.scheduling.ticks import MOST_COUNTED, coming, following_cron, following_every, ticks_due

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = 1764000000.0 - 1764000000.0 % 3600
MINUTELY = following_cron("* * * * *", UTC)


def test_a_time_that_is_due_alone_is_run_and_nothing_is_missed():
    ticks = ticks_due(NOON, NOON + 0.2, MINUTELY, "once", 10)

    assert (ticks.runs, ticks.missed, ticks.next_at) == ((NOON,), 0, NOON + 60)


def test_once_makes_up_for_all_that_passed_with_one_run():
    ticks = ticks_due(NOON, NOON + 601, MINUTELY, "once", 10)

    assert (ticks.runs, ticks.missed, ticks.next_at) == ((NOON,), 10, NOON + 660)
    assert str(ticks.reason) == "11 times had passed; one run makes up for all"


def test_skip_runs_only_the_last_time_and_only_when_it_is_but_late():
    assert ticks_due(NOON, NOON + 601, MINUTELY, "skip", 10).runs == (NOON + 600,)
    hourly = following_cron("0 * * * *", UTC)
    late = ticks_due(NOON, NOON + 3600 + 120, hourly, "skip", 10)
    assert (late.runs, late.missed, late.next_at) == ((), 2, NOON + 7200)
    assert ticks_due(NOON, NOON + 59, hourly, "skip", 10).runs == (NOON,)
    assert ticks_due(NOON, NOON + 61, hourly, "skip", 10).runs == ()


def test_all_runs_the_last_times_up_to_its_limit_in_their_order():
    ticks = ticks_due(NOON, NOON + 601, MINUTELY, "all", 3)

    assert (ticks.runs, ticks.missed) == ((NOON + 480, NOON + 540, NOON + 600), 8)
    assert ticks_due(NOON, NOON + 61, MINUTELY, "all", 3).runs == (NOON, NOON + 60)


@pytest.mark.parametrize("rule", ["once", "skip", "all"])
def test_a_year_without_a_scheduler_is_not_counted_through(rule: str):
    year = 365 * 24 * 3600
    ticks = ticks_due(NOON, NOON + year, following_every(1), rule, 2)

    assert ticks.next_at == NOON + year + 1
    assert str(ticks.reason).startswith(f"at least {MOST_COUNTED} times had passed")
    last = NOON + year
    assert ticks.runs == {"once": (NOON,), "skip": (last,), "all": (last - 1, last)}[rule]


def test_a_pace_keeps_its_beat_whenever_a_scheduler_starts():
    following = following_every(7)

    assert {following(NOON + start) % 7 for start in (0.0, 0.3, 2.5, 6.9)} == {0}
    assert following(following(NOON)) - following(NOON) == 7


def test_five_next_times_are_those_that_follow():
    assert coming(NOON, MINUTELY, 5) == tuple(NOON + 60 * step for step in range(5))


@pytest.mark.parametrize(
    ("line", "start", "hours"),
    [
        ("30 2 * * *", "2026-03-28T12:00+00:00", 48),
        ("30 2 * * *", "2026-10-24T12:00+00:00", 48),
        ("*/10 * * * *", "2026-03-29T00:05+00:00", 3),
        ("*/10 * * * *", "2026-10-25T00:05+00:00", 3),
        ("0 1-4 * * *", "2026-10-24T22:05+00:00", 12),
    ],
)
def test_a_scheduler_that_looks_each_minute_over_a_change_of_the_clock_runs_each_time_once(
    line: str, start: str, hours: int
):
    """Neither the hour that is skipped nor the one that comes twice adds a run, drops one, or makes a burst."""
    following = following_cron(line, BERLIN)
    moment = datetime.fromisoformat(start).timestamp()
    end, due_at = moment + hours * 3600, following(moment)
    runs: list[float] = []
    while moment < end:
        moment += 60
        if due_at <= moment:
            ticks = ticks_due(due_at, moment, following, "once", 1)
            assert ticks.missed == 0
            runs += ticks.runs
            due_at = ticks.next_at

    walls = [datetime.fromtimestamp(each, BERLIN).strftime("%d %H:%M") for each in runs]
    if line.startswith("*"):
        assert {later - earlier for earlier, later in pairwise(runs)} == {600}
    else:
        assert len(walls) == len(set(walls))
        assert len(walls) == {"30 2 * * *": 2, "0 1-4 * * *": 4}[line]


def test_a_clock_that_is_set_forward_makes_one_run_and_one_set_back_makes_none():
    due_at, now = NOON + 60, NOON + 30
    forward = ticks_due(due_at, now + 3600, MINUTELY, "once", 1)
    assert len(forward.runs) == 1
    # Set back by an hour: the next time is kept, so that no minute is run twice.
    assert forward.next_at > now + 60
