"""The times at which an entry comes due, and what becomes of those that passed meanwhile. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from allegro_queue.scheduling.times import next_due
from allegro_queue.tellings import Telling, telling, telling_of

Following = Callable[[float], float]
"""The first tick later than a moment."""

MOST_COUNTED = 500
"""Passed ticks that are counted one by one; beyond, "at least so many" are said."""

STILL_IN_TIME = 60
"""Seconds for which a tick that nobody queued is late, and not missed yet."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """What is to be done about an entry that is due."""

    runs: tuple[float, ...]
    """The ticks to queue, oldest first."""
    missed: int
    """Ticks that get no run of their own."""
    next_at: float
    reason: Telling | None = None
    """Why those were missed, and what is done about them."""


def following_every(seconds: int) -> Following:
    """Ticks at the multiples of some seconds since the Unix epoch."""
    return lambda after: (after // seconds + 1) * seconds


def following_cron(line: str, zone: ZoneInfo) -> Following:
    """Ticks of a cron line, as ``times`` has them."""
    return lambda after: next_due(line, after, zone)


def ticks_due(due_at: float, now: float, following: Following, missed: str, limit: int) -> Ticks:
    """What is to be queued of the ticks from ``due_at`` to ``now``.

    ``once``: one run, that of the first tick, makes up for all. ``skip``: only the last tick, if it is but late. ``all``:
    the last ``limit`` ticks, each a run of its own.
    """
    count, next_at = 1, following(due_at)
    while next_at <= now and count < MOST_COUNTED:
        count, next_at = count + 1, following(next_at)
    if next_at <= now:
        next_at = following(now)
    if count == 1 and (missed != "skip" or now - due_at <= STILL_IN_TIME):
        return Ticks((due_at,), 0, next_at)
    if missed == "once":
        return Ticks((due_at,), count - 1, next_at, passed_words(count, "once"))
    if missed == "all":
        runs = latest(due_at, now, following, limit)
        return Ticks(runs, count - len(runs), next_at, passed_words(count, "all", limit))
    last = latest(due_at, now, following, 1)[0]
    runs = (last,) if now - last <= STILL_IN_TIME else ()
    return Ticks(runs, count - len(runs), next_at, passed_words(count, "skip"))


def passed_words(count: int, rule: str, limit: int = 0) -> Telling:
    """How many times had passed, and what is done about them."""
    if count == MOST_COUNTED:
        return {
            "once": telling("at least {n} times had passed; one run makes up for all", n=count),
            "all": telling("at least {n} times had passed; the last {limit} are made up for", n=count, limit=limit),
            "skip": telling("at least {n} times had passed; they are skipped, as its rule says", n=count),
        }[rule]
    return {
        "once": telling_of(
            "{n} time had passed; one run makes up for all", "{n} times had passed; one run makes up for all", count
        ),
        "all": telling_of(
            "{n} time had passed; the last {limit} are made up for",
            "{n} times had passed; the last {limit} are made up for",
            count,
            limit=limit,
        ),
        "skip": telling_of(
            "{n} time had passed; it is skipped, as its rule says",
            "{n} times had passed; they are skipped, as its rule says",
            count,
        ),
    }[rule]


def passed(due_at: float, now: float, following: Following) -> Iterator[float]:
    """The ticks from one on, up to now."""
    moment = due_at
    while moment <= now:
        yield moment
        moment = following(moment)


def latest(due_at: float, now: float, following: Following, limit: int) -> tuple[float, ...]:
    """The last ticks of those from ``due_at`` to now, without counting through all."""
    window = 60.0
    while True:
        start = max(due_at, now - window)
        first = due_at if start == due_at else following(start)
        found = deque(passed(first, now, following), maxlen=limit)
        if len(found) == limit or start == due_at:
            return tuple(found)
        window *= 2


def coming(next_at: float, following: Following, count: int) -> tuple[float, ...]:
    """The next ticks, from the one that is set."""
    found = [next_at]
    while len(found) < count:
        found.append(following(found[-1]))
    return tuple(found)
