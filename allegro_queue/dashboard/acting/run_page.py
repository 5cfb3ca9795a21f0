"""What the page of a run over many jobs shows: how far it is, what became of each, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from allegro_queue.bulk import noting, words, work
from allegro_queue.bulk.models import BulkResult, BulkRun
from allegro_queue.bulk.selection import subject_of
from allegro_queue.bulk.undoing import hindrance, seconds_left, way_back
from allegro_queue.dashboard.acting.chosen import RIGHTS
from allegro_queue.dashboard.acting.confirm_pages import act_word
from allegro_queue.dashboard.page.formats import about, count, duration
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.nouns import jobs
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BIN_MOST, BulkAct
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

PAGE = 50

STANDS_STILL = 60.0
"""Seconds without progress after which the page says so."""

WORDS: Mapping[str, str] = {
    "done": gettext_noop("Done"),
    "running": gettext_noop("Running already"),
    "gone": gettext_noop("Gone"),
    "later": gettext_noop("Came later"),
    "barred": gettext_noop("Barred"),
    "other": gettext_noop("In another state"),
}

MEANS: Mapping[str, str] = {
    "done": "",
    "running": gettext_noop("Left alone: a worker had it."),
    "gone": gettext_noop("Deleted, expired, or acted on by somebody else before its turn."),
    "later": gettext_noop("Left alone: came into its state after the page was shown."),
    "barred": gettext_noop("Left alone: another of its kind waits or runs."),
    "other": gettext_noop("Left alone: its state was another by then."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """How many had one result."""

    word: str
    means: str
    count: int
    address: str
    current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultRow:
    """What became of one job."""

    job_id: str
    address: str
    word: str
    tone: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPage:
    """How far is it?"""

    run: BulkRun
    tone: str
    icon: str
    act_word: str
    subject: str
    """Which jobs it is about."""
    sentence: str
    sub: str
    doing: str
    acted: int
    total: int
    is_open: bool
    stands_still: str
    """Why it does not get on; empty when it does."""
    began: float
    kinds: tuple[Kind, ...]
    rows: tuple[ResultRow, ...]
    older: str
    not_kept: int
    """Results that are counted and not kept one by one."""
    right: Right
    may_undo: bool
    undo_for: str
    undo_to: str
    """The queue that it would move them back to; empty where it would restore them."""
    lost: int
    """Jobs that it deleted and that the bin had no room for."""
    undone_by: int
    why_not_undo: str
    """Why it cannot be undone, where it is over and did something; empty when it can, or was."""


def read_run(stores: Stores, pulse: Pulse, number: int, given: Mapping[str, str]) -> RunPage | None:
    """The page; ``None`` when there is no such run."""
    run = BulkRun.objects.filter(pk=number).first()
    if run is None:
        return None
    is_open = run.state in work.OPEN
    total = run.total if run.total is not None else run.expected
    kind = given.get("result", "") if given.get("result", "") in WORDS else ""
    after = given.get("after", "")
    first = int(after) + 1 if after.isascii() and after.isdigit() and len(after) < 10 else 0
    found = BulkResult.objects.filter(run=run, number__gte=first)
    if kind:
        found = found.filter(result=kind)
    shown = list(found.order_by("number")[: PAGE + 1])
    rest = seconds_left(run, pulse.at)
    back = way_back(run)
    why_not = hindrance(run, pulse.at)
    undone = BulkRun.objects.filter(selection__of_run=run.pk).order_by("-pk").first()
    still = stands_still(stores, pulse, run) if is_open else ""
    return RunPage(
        run=run,
        tone="warn" if still else "ok" if not is_open else "run",
        icon="warn" if still else "run" if is_open else "ok" if run.state == BulkRun.State.DONE else "idle",
        act_word=act_word(BulkAct(run.act)),
        subject=subject_of(run).words,
        sentence=sentence(run, total, is_open),
        sub=sub(run, total, is_open, pulse.at),
        doing=words.doing(run).words,
        acted=run.noted,
        total=total,
        is_open=is_open,
        stands_still=still,
        began=run.began_at or run.created_at,
        kinds=tuple(kinds(run, kind)),
        rows=tuple(row_of(each) for each in shown[:PAGE]),
        older=link("run", run=run.pk, query={"result": kind, "after": shown[PAGE - 1].number})
        if len(shown) > PAGE
        else "",
        not_kept=max(run.noted - noting.ROWS_KEPT, 0),
        right=RIGHTS[BulkAct(run.act)],
        may_undo=back is not None and rest > 0 and not is_open and undone is None,
        undo_for=about(rest),
        undo_to=back[1] if back else "",
        lost=max(run.done - BIN_MOST, 0) if run.act == BulkAct.DELETE else 0,
        undone_by=undone.pk if undone else 0,
        why_not_undo=why_not.words if why_not and not (is_open or undone) and run.done else "",
    )


def sentence(run: BulkRun, total: int, is_open: bool) -> str:
    """How far it is."""
    if not is_open:
        return words.outcome(run).words
    doing = words.doing(run).words
    if run.state == BulkRun.State.WAITING:
        if not total:
            return worded(gettext("{doing}: waits for a worker."), doing=doing)
        return worded(gettext("{doing}: waits for a worker, with {jobs} to do."), doing=doing, jobs=jobs(total))
    if run.state == BulkRun.State.CHOOSING:
        return worded(gettext("{doing}: the jobs are being chosen."), doing=doing)
    return worded(gettext("{doing}: {n} of {jobs} so far."), doing=doing, jobs=jobs(total), n=count(run.noted))


def sub(run: BulkRun, total: int, is_open: bool, now: float) -> str:
    """How long it took, or how long it may yet take."""
    if run.state == BulkRun.State.CANCELLED:
        return worded(gettext("Cancelled by {who}. What was done before stays done."), who=run.ended_by)
    if not is_open:
        return worded(gettext("Took {time}."), time=duration((run.ended_at or run.moved_at) - run.created_at))
    if run.state != BulkRun.State.RUNNING or not run.noted:
        return gettext("It goes on without this page.")
    took = max(run.moved_at - (run.began_at or run.created_at), 0.1)
    left = (total - run.noted) / run.per_minute * 60 if run.per_minute else took / run.noted * (total - run.noted)
    return worded(gettext("About {time} to go (an estimate). It goes on without this page."), time=about(left))


def stands_still(stores: Stores, pulse: Pulse, run: BulkRun) -> str:
    """Why it does not get on."""
    if run.per_minute and run.noted and pulse.scheduler is None:
        return gettext(
            "Its next jobs wait for their time, and no scheduler is running. Start one: manage.py horizon or rqscheduler."
        )
    quiet = pulse.at - run.moved_at - (work.period(run) if run.per_minute else 0.0)
    if quiet < STANDS_STILL:
        return ""
    is_paused = all(pulse.is_paused(queue.name) for queue in pulse.queues)
    if not is_paused and all(pulse.stands_still(queue.name) for queue in pulse.queues):
        # Before a lack of workers: in maintenance mode none is started.
        return worded(
            gettext("It has not got on for {time}: no queue runs in maintenance mode. It goes on when that ends."),
            time=about(quiet),
        )
    if not pulse.workers:
        return worded(
            gettext("It has not got on for {time}, and no worker lives. It goes on when one is started."),
            time=about(quiet),
        )
    if is_paused:
        return worded(gettext("It has not got on for {time}: all queues are paused."), time=about(quiet))
    return worded(
        gettext("It has not got on for {time}. Its job may be lost, or no worker may be free."), time=about(quiet)
    )


def kinds(run: BulkRun, chosen: str) -> list[Kind]:
    """Results with their numbers, those that there are."""
    found = [
        Kind(
            word=gettext(WORDS[word]),
            means=gettext(MEANS[word]) if MEANS[word] else "",
            count=getattr(run, word),
            address=link("run", run=run.pk, query={"result": word}),
            current=word == chosen,
        )
        for word in WORDS
        if getattr(run, word)
    ]
    everything = Kind(
        word=gettext("All"), means="", count=run.noted, address=link("run", run=run.pk), current=not chosen
    )
    return [everything, *found] if found else []


def row_of(result: BulkResult) -> ResultRow:
    return ResultRow(
        job_id=result.job_id,
        address=link("job", job_id=result.job_id),
        word=gettext(WORDS[result.result]) if result.result in WORDS else result.result,
        tone="ok" if result.result == "done" else "warn" if result.result == "barred" else "idle",
        detail=detail_of(result),
    )


def detail_of(result: BulkResult) -> str:
    if result.result == "barred":
        return worded(gettext("by job {id}"), id=result.detail)
    return worded(gettext("it was {state}"), state=result.detail) if result.detail else ""
