from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import CroniterError

from allegro_queue.scheduling.times import next_due

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).astimezone(zone).timestamp()


def runs(line: str, zone: ZoneInfo, start: str, count: int) -> list[str]:
    moment, found = at(start), []
    for _ in range(count):
        moment = next_due(line, moment, zone)
        found.append(datetime.fromtimestamp(moment, zone).isoformat(timespec="minutes"))
    return found


def test_a_line_is_due_later_than_now_never_now():
    assert next_due("*/5 * * * *", at("2026-01-01T12:05:00+00:00"), UTC) == at("2026-01-01T12:10:00+00:00")
    assert next_due("*/5 * * * *", at("2026-01-01T12:04:59.9+00:00"), UTC) == at("2026-01-01T12:05:00+00:00")


def test_a_line_is_read_in_its_zone():
    assert runs("0 9 * * *", BERLIN, "2026-01-15T00:00:00+00:00", 1) == ["2026-01-15T09:00+01:00"]
    assert runs("0 9 * * *", BERLIN, "2026-07-15T00:00:00+00:00", 1) == ["2026-07-15T09:00+02:00"]


def test_a_time_that_is_skipped_in_spring_still_has_its_one_run_that_day():
    assert runs("30 2 * * *", BERLIN, "2026-03-28T00:00:00+00:00", 3) == [
        "2026-03-28T02:30+01:00",
        "2026-03-29T03:30+02:00",
        "2026-03-30T02:30+02:00",
    ]


def test_a_time_that_comes_twice_in_autumn_has_one_run():
    assert runs("30 2 * * *", BERLIN, "2026-10-24T00:00:00+00:00", 3) == [
        "2026-10-24T02:30+02:00",
        "2026-10-25T02:30+02:00",
        "2026-10-26T02:30+01:00",
    ]


def test_a_scheduler_that_starts_in_the_second_of_the_two_hours_does_not_run_it_again():
    assert runs("30 2 * * *", BERLIN, "2026-10-25T02:10:00+01:00", 1) == ["2026-10-26T02:30+01:00"]


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        (BERLIN, "2026-03-28T23:00:00+00:00"),
        (BERLIN, "2026-10-24T22:00:00+00:00"),
        (LORD_HOWE, "2026-04-04T12:00:00+00:00"),
        (LORD_HOWE, "2026-10-03T12:00:00+00:00"),
    ],
)
def test_every_five_minutes_is_every_five_minutes_when_the_clock_is_changed(zone: ZoneInfo, start: str):
    moments = [at(start)]
    for _ in range(120):
        moments.append(next_due("*/5 * * * *", moments[-1], zone))

    assert {later - earlier for earlier, later in pairwise(moments)} == {300}


def test_every_six_hours_follows_the_wall_clock_past_a_change():
    assert runs("0 */6 * * *", BERLIN, "2026-10-24T22:30:00+00:00", 2) == [
        "2026-10-25T06:00+01:00",
        "2026-10-25T12:00+01:00",
    ]
    assert runs("0 */6 * * *", BERLIN, "2026-03-29T00:30:00+00:00", 2) == [
        "2026-03-29T06:00+02:00",
        "2026-03-29T12:00+02:00",
    ]


def test_an_hourly_line_runs_in_both_hours_of_the_same_name():
    assert runs("0 * * * *", BERLIN, "2026-10-24T23:30:00+00:00", 4) == [
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
        "2026-10-25T04:00+01:00",
    ]


def test_a_rare_line_is_found_over_many_changes():
    assert runs("0 0 29 2 *", BERLIN, "2026-03-01T00:00:00+00:00", 1) == ["2028-02-29T00:00+01:00"]


def test_a_day_that_never_comes_is_an_error():
    with pytest.raises(CroniterError):
        next_due("0 0 30 2 *", 0.0, UTC)
