"""What the workers page shows: Horizon's processes, their workers with the job in hand, and those that died."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.dashboard.charts.limits import NEAR, limit_bar
from allegro_queue.dashboard.page.formats import count, duration, in_words
from allegro_queue.dashboard.page.states import Status
from allegro_queue.status import are_in_maintenance
from allegro_queue.stores import Stores
from allegro_queue.stores.masters import MasterRecord, SupervisorRecord
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.workers import LostWorker, WorkerRecord
from allegro_queue.wording import worded

WORKER_STATES = {
    "busy": Status(tone="run", icon="run", word=gettext_noop("Busy")),
    "idle": Status(tone="idle", icon="idle", word=gettext_noop("Ready")),
    "starting": Status(tone="idle", icon="wait", word=gettext_noop("Starting")),
    "paused": Status(tone="warn", icon="pause", word=gettext_noop("Paused")),
    "leaving": Status(tone="warn", icon="pause", word=gettext_noop("Leaving")),
}
MASTER_STATES = {
    "running": Status(tone="ok", icon="ok", word=gettext_noop("Running")),
    "paused": Status(tone="warn", icon="pause", word=gettext_noop("Paused")),
    "leaving": Status(tone="warn", icon="pause", word=gettext_noop("Leaving")),
    "idle": Status(tone="bad", icon="bad", word=gettext_noop("Idle: wrong connection")),
}
MAINTENANCE = Status(tone="warn", icon="pause", word=gettext_noop("Maintenance mode"))
NEAR_LIMIT = Status(tone="bad", icon="bad", word=gettext_noop("Near limit"))


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerRow:
    """One worker with the job that it holds."""

    record: WorkerRecord
    state: Status
    run_seconds: float | None
    """How long its job has run; ``None`` when it has none."""
    limit: SafeString


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisorRow:
    """One supervisor."""

    record: SupervisorRecord
    state: Status
    alive: int
    """Workers of its that report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """One Horizon process with its workers; or, without a master, the workers that nobody keeps alive."""

    master: MasterRecord | None
    state: Status | None
    supervisors: tuple[SupervisorRow, ...]
    workers: tuple[WorkerRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkersPage:
    """Who works, on what, since when?"""

    tone: str
    sentence: str
    sub: str
    groups: tuple[Group, ...]
    lost: tuple[LostWorker, ...]


def read_workers(stores: Stores, pulse: Pulse) -> WorkersPage:
    """The page, from the pulse alone."""
    maintained = {
        (master.name, each.name) for master in pulse.masters for each in master.supervisors if each.maintenance
    }
    rows = [
        worker_row(worker, pulse.at, in_maintenance=(worker.master, worker.supervisor) in maintained)
        for worker in pulse.workers
    ]
    groups = [group_of(master, rows) for master in pulse.masters]
    known = {master.name for master in pulse.masters}
    others = tuple(row for row in rows if row.record.master not in known)
    if others:
        groups.append(Group(master=None, state=None, supervisors=(), workers=others))
    tone, sentence = say(pulse, rows)
    return WorkersPage(tone=tone, sentence=sentence, sub=listening(pulse, rows), groups=tuple(groups), lost=pulse.lost)


def group_of(master: MasterRecord, rows: Sequence[WorkerRow]) -> Group:
    """A master with the workers that name it."""
    mine = tuple(row for row in rows if row.record.master == master.name)
    return Group(
        master=master,
        state=state_of_master(master),
        supervisors=tuple(
            SupervisorRow(
                record=each,
                state=state_of_supervisor(each),
                alive=sum(1 for row in mine if row.record.supervisor == each.name),
            )
            for each in master.supervisors
        ),
        workers=mine,
    )


def state_of_master(master: MasterRecord) -> Status:
    """As it says; one that runs while all of its supervisors are in maintenance mode is so, too."""
    if master.status == "running" and master.is_in_maintenance:
        return MAINTENANCE.in_language()
    return master_state(master.status)


def state_of_supervisor(supervisor: SupervisorRecord) -> Status:
    """As it says, unless something else keeps its workers from jobs."""
    if supervisor.trouble:
        return Status(tone="bad", icon="bad", word=gettext("Trouble"))
    if supervisor.status == "running" and supervisor.maintenance:
        return MAINTENANCE.in_language()
    return master_state(supervisor.status)


def master_state(status: str) -> Status:
    """The state of a Horizon process or a supervisor by its own word for it."""
    return MASTER_STATES.get(status, unknown(status)).in_language()


def unknown(word: str) -> Status:
    """A state that we have no word for is shown as it is."""
    return Status(tone="idle", icon="unknown", word=word)


def worker_row(worker: WorkerRecord, now: float, *, in_maintenance: bool = False) -> WorkerRow:
    """A worker with its job's age against its limit. It does not know why it takes no job; its supervisor does."""
    if worker.state == "paused" and in_maintenance:
        state = MAINTENANCE.in_language()
    else:
        state = WORKER_STATES.get(worker.state, unknown(worker.state)).in_language()
    if not worker.job_id:
        return WorkerRow(record=worker, state=state, run_seconds=None, limit=SafeString())
    seconds = max(now - worker.job_started_at, 0.0)
    if worker.job_timeout <= 0:
        return WorkerRow(record=worker, state=state, run_seconds=seconds, limit=SafeString(escape(gettext("no limit"))))
    return WorkerRow(
        record=worker,
        state=NEAR_LIMIT.in_language() if seconds > NEAR * worker.job_timeout else state,
        run_seconds=seconds,
        limit=limit_bar(
            seconds,
            worker.job_timeout,
            worded(
                gettext("{time} of {limit} that it may run"), time=duration(seconds), limit=duration(worker.job_timeout)
            ),
        ),
    )


def say(pulse: Pulse, rows: Sequence[WorkerRow]) -> tuple[str, str]:
    """The page's tone and sentence."""
    near = [row for row in rows if row.state.tone == NEAR_LIMIT.tone]
    troubled = [each for master in pulse.masters for each in master.supervisors if each.trouble]
    if not rows and are_in_maintenance(pulse.masters):
        return "warn", gettext("No worker is alive; none is started in maintenance mode.")
    if not rows:
        return "bad", gettext("No worker is alive.") if pulse.masters else gettext(
            "No Horizon process and no worker is alive."
        )
    if troubled:
        return "bad", worded(
            ngettext(
                "{supervisors} cannot keep its workers alive.",
                "{supervisors} cannot keep their workers alive.",
                len(troubled),
            ),
            supervisors=in_words([each.name for each in troubled]),
        )
    said = [worded(ngettext("{n} worker listens.", "{n} workers listen.", len(rows)), n=count(len(rows)))]
    if near:
        text = ngettext("{n} is close to the time limit.", "{n} are close to the time limit.", len(near))
        said.append(worded(text, n=count(len(near))))
    if pulse.lost:
        text = ngettext(
            "{n} has died in the last 15 minutes.", "{n} have died in the last 15 minutes.", len(pulse.lost)
        )
        said.append(worded(text, n=count(len(pulse.lost))))
    versions = sorted({master.version for master in pulse.masters if master.version})
    if len(versions) > 1:
        said.append(worded(gettext("{versions} run side by side."), versions=in_words(versions)))
    elif not pulse.masters:
        said.append(gettext("No Horizon process keeps them alive."))
    is_well = pulse.masters and not near and not pulse.lost and len(versions) < 2
    return ("ok" if is_well else "warn"), " ".join(said)


def listening(pulse: Pulse, rows: Sequence[WorkerRow]) -> str:
    """How many are busy, and what they listen to."""
    if not rows:
        return ""
    busy = sum(1 for row in rows if row.record.state == "busy")
    orders = {row.record.queues for row in rows}
    said = worded(gettext("{busy} busy, {ready} ready."), busy=count(busy), ready=count(len(rows) - busy))
    if len(orders) != 1:
        return said
    queues = in_words(list(next(iter(orders))))
    return said + " " + worded(gettext("All listen to {queues}, in this order."), queues=queues)
