"""The facts that alerts are about, gathered from Redis, the schedule and history."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Sum
from redis.exceptions import RedisError

from allegro_queue.alerts.facts import EntryFacts, Facts, GroupFacts, HistoryFacts
from allegro_queue.alerts.looks.runs import GROUP_SECONDS
from allegro_queue.alerts.loop import Sources
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import UNREACHABLE, page_client
from allegro_queue.history.database import alias
from allegro_queue.history.groups import GroupState
from allegro_queue.history.measured import extent
from allegro_queue.history.models import FailureGroup, Series
from allegro_queue.metrics.counts import MINUTE
from allegro_queue.queues import all_queues
from allegro_queue.scheduling.snapshots import snapshot_too_old_from
from allegro_queue.scheduling.table import read_schedule
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.entries import Account
from allegro_queue.tellings import Telling, telling

REDIS = "redis"

SHARE_SECONDS = 15 * 60
"""The stretch that the share of failed attempts is taken of."""

NOT_QUEUED = ("missed", "refused")
"""What becomes of a time of an entry that queues nothing though it should."""

MOST_GROUPS = 50


def alert_sources() -> Sources:
    """Where the facts come from, over a client that does not wait long: what is away is one of the things to tell of."""
    stores = open_stores(page_client())
    return Sources(gather=lambda now: gather(stores, now), left=stores.masters.left, show=stores.alerts.show)


def gather(stores: Stores, now: float) -> Facts:
    """How things stand. What cannot be asked stays unknown."""
    settings = horizon_settings()
    runs_workers = settings.connection == REDIS
    try:
        return Facts(
            at=now,
            runs_workers=runs_workers,
            snapshot_too_old_from=snapshot_too_old_from,
            waits=settings.waits,
            pulse=stores.pulse.read(all_queues(), now),
            server=stores.server.read(),
            entries=tuple(entries(stores, now)),
            history=history(stores, now),
        )
    except RedisError as error:
        kind = type(error).__name__
        return Facts(
            at=now,
            runs_workers=runs_workers,
            waits=settings.waits,
            away=telling("no connection: {error}", error=kind)
            if isinstance(error, UNREACHABLE)
            else telling("it refuses: {error}", error=kind),
        )


def entries(stores: Stores, now: float) -> Iterator[EntryFacts]:
    """Each cron entry that is not paused: the times of one that is are meant to pass. So are those that were skipped."""
    for row in read_schedule(stores, now):
        if row.pause is not None:
            continue
        last = row.last if row.last is not None and row.last.what != "skipped" else None
        yield EntryFacts(
            name=row.entry.name,
            next_at=row.next_at,
            last_due_at=None if last is None else last.since or last.due_at,
            last_queued_at=None if last is None else last.at,
            last_error=row.state.error_telling if row.state.error else why_not(last),
        )


def why_not(last: Account | None) -> Telling | None:
    """Why nothing was queued the last time, where somebody should know."""
    return last.reason_telling if last is not None and last.what in NOT_QUEUED else None


def history(stores: Stores, now: float) -> HistoryFacts:
    """What was counted of runs, lately: one round trip to Redis, five short queries."""
    reach = extent(stores, now)
    rows = Series.objects.using(alias()).filter(kind="queue", seconds=MINUTE, starts_at__gte=now - SHARE_SECONDS)
    sums = rows.values("name").annotate(done=Sum("succeeded"), failed=Sum("failed"), retried=Sum("retried"))
    return HistoryFacts(
        # A retried attempt has failed as well.
        ended={
            each["name"]: (each["done"] + each["failed"] + each["retried"], each["failed"] + each["retried"])
            for each in sums
        },
        groups=tuple(new_groups(now)),
        collector_lives=reach.collector is not None,
        behind=reach.behind,
        behind_seconds=max(now - reach.until, 0.0) if reach.behind else 0.0,
    )


def new_groups(now: float) -> Iterator[GroupFacts]:
    """Failure groups that nobody has looked at, those that failed last first."""
    rows = FailureGroup.objects.using(alias()).filter(
        state__in=[GroupState.NEW.value, GroupState.AGAIN.value], last_at__gte=now - GROUP_SECONDS
    )
    for row in rows.order_by("-last_at")[:MOST_GROUPS]:
        yield GroupFacts(
            fingerprint=row.fingerprint,
            name=row.name,
            exception=row.exception,
            message=row.message,
            count=row.count,
            last_at=row.last_at,
            again=row.state == GroupState.AGAIN.value,
        )
