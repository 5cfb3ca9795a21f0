"""Taking a snapshot: the one function behind ``manage.py horizon_snapshot`` and the cron entry.

Runs are counted by the collector, each in its five minutes, its hour and its day at once. What nobody counts is sampled
here: how many jobs wait, and since when. And what is older than the settings say is deleted here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from allegro_queue.activity import journal
from allegro_queue.conf import HorizonSettings, horizon_settings
from allegro_queue.history.database import alias, database, writing
from allegro_queue.history.models import FailureGroup, Gap, Series
from allegro_queue.history.stretches import SERIES, SERIES_COLUMNS, SERIES_KEY
from allegro_queue.metrics.counts import DAY, EVER, FIVE_MINUTES, HOUR, MINUTE
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.pulse import QueuePulse

SAMPLED = (FIVE_MINUTES, HOUR, DAY)
MINUTES_KEPT = 2 * HOUR
AT_ONCE = 2_000
"""Rows that one transaction deletes."""

MOST_DELETED = 100_000
"""Rows that one snapshot deletes; the next goes on."""

# Of several snapshots in a stretch, the highest figures stay. (SQLite and PostgreSQL have no common word for that.)
HIGHEST = ", ".join(
    f"{each} = CASE WHEN {SERIES}.{each} IS NULL OR excluded.{each} > {SERIES}.{each} "
    f"THEN excluded.{each} ELSE {SERIES}.{each} END"
    for each in ("sampled_at", "depth", "oldest_seconds")
)
NOTHING = {each: "''" if each.endswith("_times") else "0" for each in SERIES_COLUMNS}
SAMPLE = (
    f"INSERT INTO {SERIES} ({', '.join([*SERIES_KEY, *NOTHING])}, sampled_at, depth, oldest_seconds) "  # noqa: S608
    f"VALUES (%s, %s, %s, %s, {', '.join(NOTHING.values())}, %s, %s, %s) "
    f"ON CONFLICT ({', '.join(SERIES_KEY)}) DO UPDATE SET {HIGHEST}"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one snapshot did."""

    queues: int
    """Queues sampled."""
    deleted: int
    """Rows that were too old."""


def take_snapshot(stores: Stores, queues: Sequence[str], *, now: float, settings: HorizonSettings) -> Taken | None:
    """Sample every queue and delete what is too old. ``None`` when somebody else is at it.

    Killed in between, it has sampled all queues or none; taken twice in the same five minutes, it leaves one row.
    """
    if not stores.metrics.begin_snapshot():
        return None
    sample(stores.pulse.read(queues, now).queues, now)
    deleted = prune(now, settings)
    stores.metrics.finish_snapshot(now)
    return Taken(queues=len(queues), deleted=deleted)


def sample(queues: Sequence[QueuePulse], now: float) -> None:
    """Note depth and oldest age of each queue in its stretches, in one transaction."""
    rows = [
        (
            "queue", queue.name, seconds, int(now) // seconds * seconds, now, queue.waiting,
            max(now - queue.oldest_at, 0.0) if queue.oldest_at is not None else 0.0,
        )
        for queue in queues
        for seconds in SAMPLED
    ]  # fmt: skip
    with writing(), database().cursor() as cursor:
        cursor.executemany(SAMPLE, rows)


def prune(now: float, settings: HorizonSettings) -> int:
    """Delete series, failure groups, gaps and the journal's entries that are older than the settings say; how many rows.

    In small transactions, so that neither the collector nor the site waits for it.
    """
    using = alias()
    lives = {
        MINUTE: MINUTES_KEPT,
        FIVE_MINUTES: settings.metrics_hours * HOUR,
        HOUR: settings.metrics_days * DAY,
        DAY: settings.metrics_long_days * DAY,
    }
    deleted = 0
    for seconds, life in lives.items():
        old = Series.objects.using(using).filter(seconds=seconds, starts_at__lt=now - life - seconds)
        while deleted < MOST_DELETED:
            # The look comes first, outside the transaction that writes.
            doomed = list(old.values_list("id", flat=True)[:AT_ONCE])
            if not doomed:
                break
            with writing():
                for start in range(0, len(doomed), 500):
                    Series.objects.using(using).filter(id__in=doomed[start : start + 500]).delete()
            deleted += len(doomed)
    # A total goes with the last day of its name.
    day = Series.objects.using(using).filter(kind=OuterRef("kind"), name=OuterRef("name"), seconds=DAY)
    deleted += Series.objects.using(using).filter(~Exists(day), seconds=EVER).delete()[0]
    before = now - settings.history_days * DAY
    deleted += FailureGroup.objects.using(using).filter(last_at__lt=before).delete()[0]
    deleted += Gap.objects.using(using).filter(to_at__lt=before).delete()[0]
    return deleted + journal.trim(now)


def snapshot() -> int:
    """The job of the cron entry; the number of queues sampled. Give it the highest queue: the thermometer must not queue behind the fever."""
    taken = take_snapshot(open_stores(), all_queues(), now=time.time(), settings=horizon_settings())
    return taken.queues if taken else 0
