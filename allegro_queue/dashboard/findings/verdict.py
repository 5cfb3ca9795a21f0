"""The answer of the overview: every finding, the worst first; or that all is well. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard.findings.clockwork import (
    Overdue,
    Parked,
    late_entries,
    parked_entries,
    stale_snapshots,
    stopped_scheduler,
)
from allegro_queue.dashboard.findings.collecting import late_collector, lost_counts
from allegro_queue.dashboard.findings.finding import Finding, whole
from allegro_queue.dashboard.findings.processes import (
    lost_workers,
    no_process,
    silent_maintenance,
    troubled_supervisors,
    unserved_queues,
    version_skew,
    wrong_connection,
)
from allegro_queue.dashboard.findings.server import risky_server
from allegro_queue.dashboard.findings.waiting import long_waits, maintenance, pauses, starved_queues, waiting_outside
from allegro_queue.dashboard.page.formats import count, duration
from allegro_queue.history.measured import Extent, Minute
from allegro_queue.outbox import Waiting
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

CAUSES_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer of the overview."""

    tone: str
    """``ok``, ``warn`` or ``bad``."""
    sentence: str
    causes: tuple[Finding, ...] = ()
    """At most three."""
    more: int = 0
    """How many causes are not shown."""
    remedy: str = ""
    command: str = ""
    note: str = ""
    """A second, quiet line when all is well."""


def verdict_on(
    pulse: Pulse,
    *,
    connection: str,
    waits: Mapping[str, int],
    overdue: Sequence[Overdue],
    has_schedule: bool,
    ever_used: bool,
    note: str,
    clock: Callable[[float], str],
    snapshot_too_old_from: Callable[[float], float],
    minutes: Sequence[Minute] = (),
    reach: Extent | None = None,
    parked: Sequence[Parked] = (),
    outbox: Waiting | None = None,
) -> Verdict:
    """What the overview says first.

    Args:
        connection: ``QUEUE_CONNECTION`` where it is not ``redis``, so that no worker is started; else empty.
        waits: seconds that the oldest job of a queue may wait.
        has_schedule: whether the settings declare cron entries.
        ever_used: whether anything has ever run here.
        note: the quiet line for when all is well.
        clock: how a Unix time is written.
        snapshot_too_old_from: from when on the snapshot of a time is too old.
        minutes: the last hour.
        reach: how far history goes; ``None`` when it was not asked.
        parked: cron entries that are broken.
        outbox: jobs that wait outside of Redis; ``None`` when it was not asked.
    """
    starved = dict(starved_queues(pulse, minutes))
    findings = [
        *wrong_connection(pulse, connection),
        *no_process(pulse, connection, ever_used),
        *troubled_supervisors(pulse),
        *unserved_queues(pulse, connection),
        *risky_server(pulse),
        # Before what it brings about, such as snapshots that are not taken.
        *maintenance(pulse),
        *silent_maintenance(pulse),
        *parked_entries(parked),
        *stopped_scheduler(pulse, has_schedule, overdue, clock),
        *stale_snapshots(pulse, has_schedule, clock, snapshot_too_old_from),
        *starved.values(),
        *long_waits(pulse, waits, told=starved),
        *waiting_outside(outbox, pulse),
        *late_collector(pulse, reach, clock),
        *lost_counts(pulse, reach, clock),
        *late_entries(pulse, overdue),
        *lost_workers(pulse, clock),
        *version_skew(pulse, clock),
        # Last: they were meant, and a strip on every page tells of them already.
        *pauses(pulse, clock),
    ]
    findings.sort(key=lambda finding: finding.tone != "bad")
    if not findings:
        return Verdict(tone="ok", sentence=all_well(pulse), note=note)
    first, others = findings[0], findings[1:]
    # The headline says what is wrong; its own cause follows only when it says more.
    told = [first, *others] if first.cause not in ("", first.headline) else others
    return Verdict(
        tone=first.tone,
        sentence=first.headline,
        causes=tuple(told[:CAUSES_SHOWN]),
        more=max(len(told) - CAUSES_SHOWN, 0),
        remedy=first.remedy,
        command=first.command,
    )


def all_well(pulse: Pulse) -> str:
    """The sentence when nothing is wrong."""
    running = sum(1 for worker in pulse.workers if worker.state == "busy")
    if not pulse.waiting and not running:
        return gettext("Quiet. Nothing waits and nothing runs.")
    if not pulse.waiting:
        return worded(
            ngettext("All well. {n} job runs and none waits.", "All well. {n} jobs run and none waits.", running),
            n=count(running),
        )
    oldest = min((queue.oldest_at for queue in pulse.queues if queue.oldest_at is not None), default=pulse.at)
    return worded(
        ngettext(
            "All well. {n} job waits, the oldest for {time}.",
            "All well. {n} jobs wait, the oldest for {time}.",
            pulse.waiting,
        ),
        n=count(pulse.waiting),
        time=duration(whole(pulse.at - oldest)),
    )
