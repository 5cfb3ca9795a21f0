"""What the overview shows: the verdict, six figures, the queues as lanes, the last hour, what runs next, what failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from allegro_queue.activity import journal
from allegro_queue.activity.models import Activity
from allegro_queue.conf import HorizonSettings, horizon_settings
from allegro_queue.dashboard import charts
from allegro_queue.dashboard.failures.list_page import OPEN
from allegro_queue.dashboard.failures.rows import GroupLine, line_of
from allegro_queue.dashboard.findings.clockwork import Overdue, Parked
from allegro_queue.dashboard.findings.verdict import Verdict, verdict_on
from allegro_queue.dashboard.metrics.hour_chart import last_hour
from allegro_queue.dashboard.metrics.minute_values import MINUTES, clock
from allegro_queue.dashboard.overview.tiles import tiles
from allegro_queue.dashboard.page.formats import count, moment
from allegro_queue.dashboard.page.states import ENTRY_LATE
from allegro_queue.dashboard.page.tile import Tile
from allegro_queue.dashboard.queues.rows import MOST_SLOTS, QueueRow, queue_rows
from allegro_queue.history.group_rows import find_groups
from allegro_queue.history.measured import Extent, Minute, extent, minutes
from allegro_queue.history.patience import counted
from allegro_queue.history.touched import Tenants
from allegro_queue.outbox import Waiting, waiting
from allegro_queue.scheduling.snapshots import snapshot_too_old_from
from allegro_queue.scheduling.table import ScheduleRow, faults_in, rows_of
from allegro_queue.stores import Stores
from allegro_queue.stores.entries import Known
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

FAILURES_SHOWN = 5
NEXT_SHOWN = 4
DEEDS_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class OverviewPage:
    """Is anything wrong, and where?"""

    verdict: Verdict
    first_run: bool
    tiles: tuple[Tile, ...]
    queues: tuple[QueueRow, ...]
    lane_scale: SafeString
    slot_count: int
    hour: SafeString
    hour_sentence: str
    hour_twin: SafeString
    next_runs: tuple[ScheduleRow, ...]
    failures: tuple[GroupLine, ...]
    """Groups, the one that failed last first."""
    deeds: tuple[Activity, ...]
    """What people did last."""
    late: bool
    """Whether the database took too long: what is from it is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What the overview takes from the database. It stands without, while that is busy."""

    reach: Extent
    minutes: Sequence[Minute]
    failures: Sequence[GroupLine]
    outbox: Waiting
    deeds: Sequence[Activity]


def read_overview(stores: Stores, pulse: Pulse) -> OverviewPage:
    """The page: four round trips to Redis besides the pulse's two, six short queries, or seven when runs were ever dropped uncounted."""
    known = stores.entries.known(pulse.at)
    schedule = rows_of(stores, known, pulse.at)
    past = counted(lambda: read_past(stores, pulse))
    return overview(horizon_settings(), pulse, schedule, past, parked=parked_in(schedule, known))


def read_past(stores: Stores, pulse: Pulse) -> Past:
    """All queries of the page."""
    reach = extent(stores, pulse.at)
    groups = find_groups(now=pulse.at, states=OPEN, limit=FAILURES_SHOWN)
    return Past(
        reach=reach,
        minutes=minutes(stores, reach, pulse.at, MINUTES),
        failures=[line_of(each, Tenants()) for each in groups],
        outbox=waiting(moment(pulse.at)),
        # Asked here, where the time is kept.
        deeds=journal.read(most=DEEDS_SHOWN),
    )


def parked_in(schedule: Sequence[ScheduleRow], known: Known) -> list[Parked]:
    """Entries that could not be queued, and those of the database that cannot run."""
    refused = [Parked(name=row.entry.name, error=row.state.error_telling.words) for row in schedule if row.state.error]
    return refused + [Parked(name=each.name, error=each.fault_said.words) for each in faults_in(known)]


def overview(
    settings: HorizonSettings,
    pulse: Pulse,
    schedule: Sequence[ScheduleRow],
    past: Past | None,
    *,
    parked: Sequence[Parked],
) -> OverviewPage:
    """The page, from what was read; without a past, what Redis knows."""
    minutes = past.minutes if past else ()
    failures = past.failures if past else ()
    measured = any(each.done or each.failed for each in minutes)
    running = any(queue.running for queue in pulse.queues)
    # Nobody is given first steps because a database is busy.
    ever_used = bool(past is None or measured or failures or pulse.last_snapshot_at or running)
    overdue = [
        Overdue(name=row.entry.name, late_seconds=row.late_seconds) for row in schedule if row.late_seconds > ENTRY_LATE
    ]
    verdict = verdict_on(
        pulse,
        connection=settings.connection if settings.connection != "redis" else "",
        waits=settings.waits,
        overdue=overdue,
        has_schedule=bool(schedule),
        ever_used=ever_used,
        note=quiet_note(pulse, minutes),
        clock=clock,
        snapshot_too_old_from=snapshot_too_old_from,
        minutes=minutes,
        reach=past.reach if past else None,
        parked=parked,
        outbox=past.outbox if past else None,
    )
    hour, sentence, twin = last_hour(pulse, minutes) if minutes else (SafeString(), "", SafeString())
    coming = sorted((row for row in schedule if row.next_at is not None), key=lambda row: row.next_at or 0.0)
    return OverviewPage(
        verdict=verdict,
        first_run=not ever_used and not pulse.waiting and not pulse.masters,
        tiles=tuple(tiles(settings, pulse, minutes, coming)),
        queues=queue_rows(pulse, settings, minutes),
        lane_scale=charts.lane_scale(),
        slot_count=min(len(pulse.workers), MOST_SLOTS),
        hour=hour,
        hour_sentence=sentence,
        hour_twin=twin,
        next_runs=tuple(coming[:NEXT_SHOWN]),
        failures=tuple(failures),
        deeds=tuple(past.deeds) if past else (),
        late=past is None,
    )


def quiet_note(pulse: Pulse, minutes: Sequence[Minute]) -> str:
    """The second line when all is well. Without minutes, only what Redis knows."""
    ended = [each.starts_at for each in minutes if each.done]
    parts = [
        worded(ngettext("{n} worker listens.", "{n} workers listen.", len(pulse.workers)), n=count(len(pulse.workers)))
    ]
    if not minutes:
        return parts[0]
    parts.append(
        worded(gettext("Last job done at {time}."), time=clock(ended[-1])[:5])
        if ended
        else gettext("No job was done in the last hour.")
    )
    failed = sum(sum(each.failed.values()) for each in minutes)
    parts.append(
        worded(
            ngettext("{n} job failed in the last hour.", "{n} jobs failed in the last hour.", failed), n=count(failed)
        )
        if failed
        else gettext("None failed in the last hour.")
    )
    return " ".join(parts)
