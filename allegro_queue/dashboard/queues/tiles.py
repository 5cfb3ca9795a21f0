"""The six figures of one queue. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard.metrics.minute_values import clock
from allegro_queue.dashboard.page.formats import count, measure, rate
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.tile import Tile, late_tile, share
from allegro_queue.dashboard.queues.charts import values_of
from allegro_queue.dashboard.queues.rows import QueueRow
from allegro_queue.history.measured import Minute
from allegro_queue.stores.pulse import Pulse, QueuePulse
from allegro_queue.wording import worded


def tiles_of(queue: QueuePulse, row: QueueRow, pulse: Pulse, minutes: Sequence[Minute]) -> list[Tile]:
    """Its six figures. Without minutes, those that the database counts are not known yet."""
    oldest, unit = measure(row.oldest_seconds)
    free = sum(1 for worker in pulse.workers_of(queue.name) if worker.state == "idle")
    return [
        Tile(
            label=gettext("Waiting"),
            value=count(queue.waiting),
            unit="",
            note=gettext("now"),
            address=row.waiting_address,
        ),
        Tile(
            label=gettext("Oldest"),
            value=oldest if row.oldest_seconds is not None else "0",
            unit=unit if row.oldest_seconds is not None else gettext("s"),
            note=worded(gettext("since {time}"), time=clock(queue.oldest_at))
            if queue.oldest_at
            else gettext("nothing waits"),
            address=row.waiting_address,
        ),
        Tile(
            label=gettext("Running"),
            value=count(queue.running),
            unit=worded(gettext("of {all}"), all=row.workers),
            note=worded(gettext("{n} ready"), n=free),
            address=link("jobs", query={"state": "running", "queue": queue.name}),
            tone="" if row.workers else "bad",
        ),
        *(counted_tiles(queue, row, minutes) if minutes else late_tiles(queue, row)),
    ]


def counted_tiles(queue: QueuePulse, row: QueueRow, minutes: Sequence[Minute]) -> list[Tile]:
    """What was done, how long it had waited, and what failed."""
    done = round(sum(value or 0 for value in values_of(minutes, lambda each: each.done.get(queue.name, 0))))
    failed = sum(each.failed.get(queue.name, 0) for each in minutes)
    return [
        Tile(
            label=gettext("Done"),
            value=rate(row.per_minute) if row.per_minute is not None else gettext("unknown"),
            unit=gettext("/min") if row.per_minute is not None else "",
            note=worded(ngettext("{n} job in the last hour", "{n} jobs in the last hour", done), n=count(done)),
            address=link("queue_metrics", queue=queue.name),
            drawing=row.spark,
            tone="" if row.per_minute is not None else "stale",
        ),
        Tile(
            label=gettext("Wait, p95"),
            value=measure(row.wait_seconds)[0] if row.wait_seconds is not None else gettext("unknown"),
            unit=measure(row.wait_seconds)[1],
            note=gettext("of the last minutes’ runs"),
            address=link("queue_metrics", queue=queue.name),
            tone="" if row.wait_seconds is not None else "stale",
        ),
        Tile(
            label=gettext("Failed, last hour"),
            value=count(failed),
            unit=worded(gettext("of {all}"), all=count(failed + done)),
            note=share(failed, failed + done),
            address=row.failed_address,
        ),
    ]


def late_tiles(queue: QueuePulse, row: QueueRow) -> list[Tile]:
    """In the place of the counted ones."""
    metrics = link("queue_metrics", queue=queue.name)
    return [
        late_tile(gettext("Done"), metrics, row.spark),
        late_tile(gettext("Wait, p95"), metrics),
        late_tile(gettext("Failed, last hour"), row.failed_address),
    ]
