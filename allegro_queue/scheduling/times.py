"""When a cron line is due next, in a named time zone. Pure.

A line with a fixed hour names a time on the wall clock: it runs once a day, also on the days when the clock is changed.
A line whose hour field is a star means a pace: it runs by real time, also through the hour that comes twice.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import croniter


@functools.lru_cache(maxsize=4096)
def next_due(line: str, after: float, zone: ZoneInfo) -> float:
    """The first moment later than ``after`` at which a line is due, both in Unix seconds.

    A wall-clock time that is skipped in spring is due as long after the change as it would have been (2:30 becomes
    3:30); one that comes twice in autumn is due the first time.

    Raises:
        croniter.CroniterError: the line is not a cron line, or names a day that never comes (30 February).
    """
    return next_of_pace(line, after, zone) if line.split()[1].startswith("*") else next_on_wall(line, after, zone)


def next_on_wall(line: str, after: float, zone: ZoneInfo) -> float:
    """For lines that name an hour."""
    start = datetime.fromtimestamp(after, zone).replace(tzinfo=None)
    return next(
        moment for wall in walls(line, start) if (moment := wall.replace(tzinfo=zone, fold=0).timestamp()) > after
    )


def next_of_pace(line: str, after: float, zone: ZoneInfo) -> float:
    """For lines that run in every hour, or every few."""
    offset = offset_at(after, zone)
    for wall in walls(line, wall_clock(after, offset)):
        moment = moment_of(wall, offset)
        if (offset_then := offset_at(moment, zone)) == offset:
            return moment
        # The clock is changed before that moment. Look again from the same start, on the clock that is valid then.
        return next(
            moment
            for wall in walls(line, wall_clock(after, offset_then))
            if offset_at(moment := moment_of(wall, offset_then), zone) == offset_then
        )
    raise AssertionError("croniter yields without end")


def walls(line: str, start: datetime) -> Iterator[datetime]:
    """Wall-clock times later than ``start`` that match a line, without end."""
    times = croniter(line, start, ret_type=datetime)
    while True:
        yield times.get_next()


def offset_at(moment: float, zone: ZoneInfo) -> timedelta:
    """How far a zone is ahead of UTC at a moment."""
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    assert offset is not None
    return offset


def wall_clock(moment: float, offset: timedelta) -> datetime:
    """What a clock with this offset shows at a moment."""
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None) + offset


def moment_of(wall: datetime, offset: timedelta) -> float:
    """When a clock with this offset shows a time."""
    return (wall - offset).replace(tzinfo=UTC).timestamp()
