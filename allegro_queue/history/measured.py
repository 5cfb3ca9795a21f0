"""Metrics, read: how far they go, the names there are, and what was counted of each.

Every figure is exact up to ``Extent.until``; what is later still waits for the collector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import F, Q

from allegro_queue.history.collected import PLACE
from allegro_queue.history.database import alias, database
from allegro_queue.history.models import Gap, Series
from allegro_queue.history.stretches import OTHER_NAMES, SERIES_COLUMNS, counts_from
from allegro_queue.metrics.counts import FIVE_MINUTES, MINUTE, Counts, Kind
from allegro_queue.metrics.histograms import decode
from allegro_queue.stores import Stores
from allegro_queue.stores.collecting import START, CollectorRecord, Stream, time_of

__all__ = [
    "OTHER_NAMES",
    "Extent",
    "Hole",
    "Minute",
    "Point",
    "counted_names",
    "extent",
    "known",
    "minutes",
    "points",
    "points_of",
    "whole",
]


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of which some runs were never counted."""

    from_at: float
    to_at: float
    missed: int
    """Runs that Redis had dropped before they were collected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """What the metrics cover."""

    first: float | None
    """Start of the oldest stretch; ``None`` before the first run."""
    until: float
    """Unix time up to which every run is counted."""
    behind: int
    """Runs in Redis that are not counted yet."""
    collector: CollectorRecord | None
    """The living collector."""
    holes: tuple[Hole, ...] = ()
    unreadable: int = 0
    """Records that could not be read, ever."""

    def is_known(self, start: float, end: float) -> bool:
        """Whether all that ran in a stretch (but for its part to come) is counted."""
        if self.first is None or end <= self.first or start >= self.until:
            return False
        return not any(hole.from_at < end and hole.to_at > start for hole in self.holes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One stretch of one name."""

    starts_at: float
    seconds: int
    counts: Counts
    depth: int | None = None
    """Most jobs that a snapshot saw waiting; ``None`` when none looked."""
    oldest_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """Counts of one minute."""

    starts_at: float
    counted: bool
    """Whether its runs are counted; else ``done`` and ``failed`` say nothing."""
    done: Mapping[str, int]
    """Successful runs by queue."""
    failed: Mapping[str, int]
    waiting: Mapping[str, int]
    """Jobs that waited, by queue, as the master last saw it in that minute. Empty when no master looked."""
    waits: Mapping[str, Counts] = field(default_factory=dict)
    """How long the jobs of a queue that ended had waited."""


OLDEST = f"SELECT starts_at FROM {Series._meta.db_table} WHERE seconds = %s ORDER BY starts_at LIMIT 1"  # noqa: S608

HOW_FAR = f"SELECT position, read, missed, unreadable, ({OLDEST}) FROM {PLACE} WHERE id = 1"  # noqa: S608 - our own names
"""By hand, since most pages ask it: to write it takes Django longer than to answer it."""


def extent(stores: Stores, now: float, seconds: int = FIVE_MINUTES) -> Extent:
    """How far the metrics go: one round trip to Redis, one short query, or two when runs were ever dropped unread.

    Args:
        seconds: length of the stretches that are meant; short ones do not go back as far.
    """
    collector, stream = stores.collecting.standing()
    with database().cursor() as cursor:
        cursor.execute(HOW_FAR, [seconds])
        position, read, missed, unreadable, first = cursor.fetchone() or (START, 0, 0, 0, None)
    # A stream that was begun anew is read from its start.
    behind = max(stream.added - (read if read <= stream.added else 0), 0) if stream.last != position else 0
    holes = Gap.objects.using(alias()).order_by("-id")[:50] if missed else ()
    return Extent(
        first=first,
        until=counted_until(position, stream) if behind else now,
        behind=behind,
        collector=collector,
        holes=tuple(Hole(each.from_at, each.to_at, each.missed) for each in holes),
        unreadable=unreadable,
    )


def counted_until(position: str, stream: Stream) -> float:
    """Unix time up to which every run is counted. Before the first is, that is when it ended, and not the year 1970."""
    return time_of(stream.first if position == START and stream.first else position)


def known(kind: Kind, name: str) -> bool:
    """Whether anything was counted of a name."""
    return Series.objects.using(alias()).filter(kind=kind, name=name).exists()


def counted_names(kind: Kind, *, since: float, seconds: int) -> list[str]:
    """Names of which something was counted since then, sorted."""
    # Of a kind with few names. They stand next to each other in the index of names, which the sums keep in use: that of
    # time would lead through the rows of all kinds.
    rows = Series.objects.using(alias()).filter(kind=kind)
    rows = rows.annotate(length=F("seconds") + 0, start=F("starts_at") + 0).filter(length=seconds, start__gte=since)
    return list(rows.order_by("name").values_list("name", flat=True).distinct())


def points(
    kind: Kind, names: Sequence[str], *, seconds: int, since: float, until: float | None = None
) -> dict[str, list[Point]]:
    """The stretches of some names, oldest first; every name has its list.

    Args:
        seconds: length of a stretch: 300 (kept for ``metrics_hours``), 3600 (``metrics_days``) or 86400
            (``metrics_long_days``); of queues also 60 (two hours).
        since: the earliest start.
        until: starts before this; without it, up to now.
    """
    found: dict[str, list[Point]] = {name: [] for name in names}
    if not found:
        return found
    rows = Series.objects.using(alias()).filter(kind=kind, name__in=list(found), seconds=seconds, starts_at__gte=since)
    if until is not None:
        rows = rows.filter(starts_at__lt=until)
    columns = ("name", "starts_at", "depth", "oldest_seconds", *SERIES_COLUMNS)
    for name, starts_at, depth, oldest, *values in rows.order_by("starts_at").values_list(*columns):
        found[name].append(
            Point(starts_at=starts_at, seconds=seconds, counts=counts_from(values), depth=depth, oldest_seconds=oldest)
        )
    return found


def points_of(kind: Kind, name: str, since: Mapping[int, float]) -> dict[int, list[Point]]:
    """The stretches of one name in several lengths, oldest first: one query.

    Args:
        since: the earliest start by length, in seconds.
    """
    found: dict[int, list[Point]] = {seconds: [] for seconds in since}
    wanted = Q()
    for seconds, start in since.items():
        wanted |= Q(kind=kind, name=name, seconds=seconds, starts_at__gte=start)
    columns = ("seconds", "starts_at", "depth", "oldest_seconds", *SERIES_COLUMNS)
    rows = Series.objects.using(alias()).filter(wanted).order_by("starts_at")
    for seconds, starts_at, depth, oldest, *values in rows.values_list(*columns):
        found[seconds].append(
            Point(starts_at=starts_at, seconds=seconds, counts=counts_from(values), depth=depth, oldest_seconds=oldest)
        )
    return found


def whole(found: Sequence[Point]) -> Counts:
    """Stretches summed up."""
    counts = Counts()
    for each in found:
        counts.add(each.counts)
    return counts


def minutes(stores: Stores, reach: Extent, now: float, count: int = 60) -> list[Minute]:
    """The last ``count`` minutes, oldest first, the running one last."""
    last = int(now // MINUTE)
    numbers = range(last - count + 1, last + 1)
    rows = Series.objects.using(alias()).filter(kind="queue", seconds=MINUTE, starts_at__gte=numbers[0] * MINUTE)
    columns = ("name", "starts_at", "succeeded", "failed", "waited", "wait_seconds", "wait_longest", "wait_times")
    counts: dict[int, dict[str, Counts]] = {}
    for name, starts_at, succeeded, failed, waited, wait_seconds, longest, times in rows.values_list(*columns):
        counts.setdefault(starts_at // MINUTE, {})[name] = Counts(
            succeeded=succeeded,
            failed=failed,
            waited=waited,
            wait_seconds=wait_seconds,
            wait_longest=longest,
            wait_times=decode(times),
        )
    waiting = stores.metrics.waiting(numbers)
    return [
        Minute(
            starts_at=number * 60.0,
            counted=reach.is_known(number * 60.0, number * 60.0 + 60),
            done={name: each.succeeded for name, each in counts.get(number, {}).items() if each.succeeded},
            failed={name: each.failed for name, each in counts.get(number, {}).items() if each.failed},
            waiting=waiting[place],
            waits=counts.get(number, {}),
        )
        for place, number in enumerate(numbers)
    ]
