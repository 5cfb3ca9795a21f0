"""Failure groups as they are read: by their state, with their counts over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from allegro_queue.history.database import alias, database
from allegro_queue.history.groups import GroupState
from allegro_queue.history.models import FailureGroup, Series
from allegro_queue.metrics.counts import DAY, HOUR

PAGE = 50

OVER = "over"
"""Stands for the state of groups whose mute is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRow:
    """One failure group. Counts are of attempts. Texts are masked. Times are Unix seconds."""

    fingerprint: str
    name: str
    exception: str
    message: str
    frame: str
    count: int
    first_at: float
    last_at: float
    first_version: str
    """Version of the code that it was first seen with."""
    last_run: int
    """Id of the newest run; ``run_at`` reads it."""
    state: GroupState
    muted_until: float
    changed_at: float
    changed_by: str
    last_hour: int
    """In the running hour and the one before."""
    last_day: int
    last_week: int
    trend: tuple[int, ...]
    """By the hour, over the last day, the running hour last."""


GROUP_COLUMNS = (
    "fingerprint", "name", "exception", "message", "frame", "count", "first_at", "last_at", "first_version", "last_run",
    "muted_until", "changed_at", "changed_by",
)  # fmt: skip
TREND_HOURS = 24


def find_groups(
    *, now: float, states: Sequence[GroupState] = (), name: str = "", limit: int = PAGE, before: float = 0.0
) -> list[GroupRow]:
    """Failure groups, the one that failed last first.

    Args:
        states: any of these; empty for all.
        before: last seen before this Unix time, for the next page; 0 for the first.
    """
    rows = FailureGroup.objects.using(alias()).order_by("-last_at", "fingerprint")
    if states:
        rows = rows.filter(in_states(states, now))
    if name:
        rows = rows.filter(name=name)
    if before:
        rows = rows.filter(last_at__lt=before)
    return with_trends(list(rows[:limit]), now)


def in_states(states: Sequence[GroupState], now: float) -> Q:
    """That a group is in one of these states; one whose mute is over is known."""
    wanted = Q(state__in=[each.value for each in states if each is not GroupState.MUTED])
    if GroupState.MUTED in states:
        wanted |= Q(state=GroupState.MUTED, muted_until__gt=now)
    if GroupState.KNOWN in states:
        wanted |= Q(state=GroupState.MUTED, muted_until__lte=now)
    return wanted


def group_of(fingerprint: str, *, now: float) -> GroupRow | None:
    """One failure group; ``None`` when there is none."""
    found = with_trends(list(FailureGroup.objects.using(alias()).filter(fingerprint=fingerprint)), now)
    return found[0] if found else None


def stored_group(fingerprint: str) -> FailureGroup | None:
    """The same without its counts over time, for whoever has read those."""
    return FailureGroup.objects.using(alias()).filter(fingerprint=fingerprint).first()


def group_counts(now: float) -> dict[GroupState, int]:
    """How many groups are in each state."""
    table = FailureGroup._meta.db_table
    with database().cursor() as cursor:
        # The first is answered by an index alone, and few groups are muted; to ask each group for both reads them all.
        cursor.execute(
            f"SELECT state, count(*) FROM {table} GROUP BY state "  # noqa: S608 - the table's name is the model's
            f"UNION ALL SELECT '{OVER}', count(*) FROM {table} WHERE state = %s AND muted_until <= %s",
            [GroupState.MUTED.value, now],
        )
        found = dict(cursor.fetchall())
    counts = {each: found.get(each.value, 0) for each in GroupState}
    counts[GroupState.MUTED] -= found.get(OVER, 0)
    counts[GroupState.KNOWN] += found.get(OVER, 0)
    return counts


def with_trends(groups: Sequence[FailureGroup], now: float) -> list[GroupRow]:
    """Groups with their counts over time, in one query."""
    hour = int(now) // HOUR * HOUR
    rows = Series.objects.using(alias()).filter(
        kind="failure", name__in=[each.fingerprint for each in groups], seconds=HOUR, starts_at__gte=hour - 7 * DAY
    )
    hours: dict[str, dict[int, int]] = {}
    for fingerprint, starts_at, count in rows.values_list("name", "starts_at", "started"):
        hours.setdefault(fingerprint, {})[starts_at] = count
    return [with_trend(group, hours.get(group.fingerprint, {}), now) for group in groups]


def with_trend(group: FailureGroup, hours: Mapping[int, int], now: float) -> GroupRow:
    """A group with its counts over time.

    Args:
        hours: attempts by the start of each hour of the last week, and maybe of longer.
    """
    hour = int(now) // HOUR * HOUR
    trend = tuple(hours.get(hour - HOUR * back, 0) for back in range(TREND_HOURS - 1, -1, -1))
    return GroupRow(
        **{each: getattr(group, each) for each in GROUP_COLUMNS},
        state=state_now(group, now),
        last_hour=sum(trend[-2:]),
        last_day=sum(trend),
        last_week=sum(count for starts_at, count in hours.items() if starts_at >= hour - 7 * DAY),
        trend=trend,
    )


def state_now(group: FailureGroup, now: float) -> GroupState:
    """The state of a group; a mute that is over has ended, although no failure came since."""
    state = GroupState(group.state)
    return GroupState.KNOWN if state is GroupState.MUTED and now >= group.muted_until else state
