"""The figures on top of the overview. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from allegro_queue.conf import HorizonSettings
from allegro_queue.dashboard import charts
from allegro_queue.dashboard.metrics.minute_values import done_values, failed_values, rate_of, waiting_values
from allegro_queue.dashboard.page.formats import count, measure, moment, rate
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.states import LONGEST_WAIT
from allegro_queue.dashboard.page.tile import Tile, late_tile, share
from allegro_queue.dashboard.queues.rows import slots_of
from allegro_queue.history.measured import Minute
from allegro_queue.scheduling.table import ScheduleRow
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded


def tiles(
    settings: HorizonSettings, pulse: Pulse, minutes: Sequence[Minute], coming: Sequence[ScheduleRow]
) -> list[Tile]:
    """The six figures. Without minutes, those that the database counts are not known yet."""
    return [
        *(counted_tiles(minutes) if minutes else late_tiles()),
        wait_tile(settings, pulse, waiting_values(minutes)),
        running_tile(pulse),
        Tile(
            label=gettext("Processes"),
            value=str(len(pulse.masters)),
            unit="Horizon",
            note=", ".join(sorted({master.host for master in pulse.masters})) or gettext("none reports"),
            address=link("workers"),
            tone="" if pulse.masters else "bad",
        ),
        cron_tile(pulse, coming),
    ]


def counted_tiles(minutes: Sequence[Minute]) -> list[Tile]:
    """What was done and what failed."""
    done, failed = done_values(minutes), failed_values(minutes)
    per_minute = rate_of(done)
    done_sum = round(sum(value or 0 for value in done))
    failed_sum = round(sum(value or 0 for value in failed))
    return [
        Tile(
            label=gettext("Throughput"),
            value=rate(per_minute) if per_minute is not None else gettext("unknown"),
            unit=gettext("/min") if per_minute is not None else "",
            note=worded(ngettext("{n} job in the last hour", "{n} jobs in the last hour", done_sum), n=count(done_sum)),
            address=link("metrics"),
            drawing=charts.spark(done),
            tone="" if per_minute is not None else "stale",
        ),
        Tile(
            label=gettext("Failed, last hour"),
            value=count(failed_sum),
            unit=worded(gettext("of {all}"), all=count(done_sum + failed_sum)),
            note=share(failed_sum, done_sum + failed_sum),
            address=link("failures"),
            drawing=charts.bars(failed, "hz-fail"),
        ),
    ]


def late_tiles() -> list[Tile]:
    """In the place of the counted ones."""
    return [
        late_tile(gettext("Throughput"), link("metrics"), charts.spark([])),
        late_tile(gettext("Failed, last hour"), link("failures"), charts.spark([])),
    ]


def wait_tile(settings: HorizonSettings, pulse: Pulse, waiting: Sequence[float | None]) -> Tile:
    waits = [(pulse.at - queue.oldest_at, queue) for queue in pulse.queues if queue.oldest_at is not None]
    drawing = charts.spark(waiting, "hz-wait")
    if not waits:
        return Tile(
            label=gettext("Longest wait now"),
            value="0",
            unit=gettext("s"),
            note=gettext("nothing waits"),
            address=link("jobs"),
            drawing=drawing,
        )
    seconds, queue = max(waits, key=lambda each: each[0])
    value, unit = measure(seconds)
    over = seconds > settings.waits.get(queue.name, LONGEST_WAIT) and not pulse.stands_still(queue.name)
    return Tile(
        label=gettext("Longest wait now"),
        value=value,
        unit=unit,
        note=worded(gettext("{queue}, oldest of {n}"), queue=queue.name, n=count(queue.waiting)),
        address=link("jobs", query={"state": "waiting", "queue": queue.name}),
        drawing=drawing,
        tone="bad" if over else "",
    )


def running_tile(pulse: Pulse) -> Tile:
    busy = sum(1 for worker in pulse.workers if worker.state == "busy")
    return Tile(
        label=gettext("Running now"),
        value=str(busy),
        unit=worded(gettext("of {all}"), all=len(pulse.workers)),
        note=worded(
            ngettext("{n} worker ready", "{n} workers ready", len(pulse.workers) - busy), n=len(pulse.workers) - busy
        )
        if pulse.workers
        else gettext("no worker"),
        address=link("workers"),
        drawing=slots_of(pulse, ""),
        tone="" if pulse.workers else "bad",
    )


def cron_tile(pulse: Pulse, coming: Sequence[ScheduleRow]) -> Tile:
    if pulse.scheduler is None or not coming or coming[0].next_at is None:
        note = gettext("no scheduler runs") if pulse.scheduler is None else gettext("nothing is planned")
        return Tile(
            label=gettext("Next cron"),
            value=gettext("unknown"),
            unit="",
            note=note,
            address=link("schedule"),
            tone="stale",
        )
    first = coming[0]
    return Tile(
        label=gettext("Next cron"),
        value=date_format(timezone.localtime(moment(coming[0].next_at)), "H:i"),
        unit="",
        note=first.entry.name,
        address=link("schedule"),
    )
