"""Doing a run: choose its jobs, act on them in steps, note what became of each; in slices, each a job of its own.

Any process may die at any instant. A job of the run stands in its set in Redis until the step that acts on it, which
takes it out and notes its result at once. So whoever carries on acts on the rest, and on no job twice. The slice that a
dead worker held is settled like any job: it has tries left, and is queued again.
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from allegro_queue.activity.journal import Deed
from allegro_queue.activity.journal import note as note_deed
from allegro_queue.bulk import noting, words
from allegro_queue.bulk.models import BulkRun
from allegro_queue.bulk.selection import Selection, ids_of, subject_of
from allegro_queue.calls import Call
from allegro_queue.conf import horizon_settings
from allegro_queue.jobs import CARRY_ON, JobOptions
from allegro_queue.orders import Order, resolve_options
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.bulk import AT_ONCE, BulkAct
from allegro_queue.tellings import telling

log = logging.getLogger(__name__)

SLICE_SECONDS = 5.0
"""How long one slice works: then other jobs have their turn, and a worker that is told to leave can."""

PERIOD = 10.0
"""Seconds between the slices of a run with a rate."""

NOTED_EVERY = 2_000
TRIES = 50
TIME_LIMIT = 120

OPEN = (BulkRun.State.WAITING, BulkRun.State.CHOOSING, BulkRun.State.RUNNING)


def begin(
    act: BulkAct,
    selection: Selection,
    *,
    token: UUID | None = None,
    cut_off: float,
    now: float,
    who: str,
    via: str,
    expected: int = 0,
    to: str = "",
    per_minute: int = 0,
    reason: str = "",
    address: str | None = None,
) -> tuple[BulkRun, bool]:
    """A run, written down and not begun; and whether it is new: the same token gives the same run."""
    return BulkRun.objects.get_or_create(
        token=token or uuid4(),
        defaults={
            "act": act.value,
            "to": to,
            "selection": selection.encode(),
            "subject": selection.subject.english[:500],
            "cut_off": cut_off,
            "per_minute": per_minute,
            "expected": expected,
            "who": who[:254],
            "via": via,
            "reason": reason[:200],
            "address": address,
            "created_at": now,
            "moved_at": now,
        },
    )


def carry_on(run_id: int, slice_number: int) -> str:
    """The job: do one slice of a run, and queue the next; in words, how far it is."""
    run = claimed(run_id, slice_number)
    if run is None:
        return "nothing to do: the run is over, or a later slice is at it"
    stores = open_stores()
    began = time.time()
    if do(stores, run, seconds=SLICE_SECONDS):
        return words.outcome(run).english
    wait = began + period(run) - time.time() if run.per_minute else 0.0
    queue_slice(stores, run, slice_number + 1, wait=wait)
    return f"{run.noted:,} of {run.total or 0:,}"


def claimed(run_id: int, slice_number: int) -> BulkRun | None:
    """The run, unless it is over or a later slice has begun: one that comes late leaves it alone."""
    mine = BulkRun.objects.filter(pk=run_id, slice__lte=slice_number, state__in=OPEN).update(slice=slice_number)
    return BulkRun.objects.get(pk=run_id) if mine else None


def do(stores: Stores, run: BulkRun, *, seconds: float | None = None) -> bool:
    """Carry a run on, for so many seconds at most; whether it is over."""
    deadline = None if seconds is None else time.monotonic() + seconds
    if run.state in (BulkRun.State.WAITING, BulkRun.State.CHOOSING):
        choose(stores, run)
    quota = portion(run) if run.per_minute and seconds is not None else None
    acted = 0
    while run.state == BulkRun.State.RUNNING:
        ids = stores.bulk.next_ids(run.pk, min(AT_ONCE, quota - acted if quota is not None else AT_ONCE))
        if not ids:
            finish(stores, run)
            break
        stores.bulk.act(BulkAct(run.act), ids, now=time.time(), run=run.pk, until=until_of(run), to=run.to)
        acted += len(ids)
        is_enough = (quota is not None and acted >= quota) or (deadline is not None and time.monotonic() > deadline)
        if is_enough or acted % NOTED_EVERY < AT_ONCE:
            noting.note(stores, run, time.time())
            # Somebody may have cancelled it.
            run.refresh_from_db()
        if is_enough and stores.bulk.left(run.pk):
            break
    return run.state not in OPEN


def choose(stores: Stores, run: BulkRun) -> None:
    """Freeze the set. Done again after a crash, it comes to the same: what is in the set stays in its place."""
    now = time.time()
    BulkRun.objects.filter(pk=run.pk, state=BulkRun.State.WAITING).update(
        state=BulkRun.State.CHOOSING, began_at=now, moved_at=now
    )
    selection = Selection.decode(run.selection)
    first = 0
    for ids in ids_of(stores, selection, all_queues(), run.cut_off):
        stores.bulk.choose(run.pk, ids, first)
        first += len(ids)
    total = stores.bulk.close(run.pk)
    # From here on jobs may be acted on, and none comes into the set any more.
    BulkRun.objects.filter(pk=run.pk, state=BulkRun.State.CHOOSING).update(
        state=BulkRun.State.RUNNING, total=total, moved_at=time.time()
    )
    run.refresh_from_db()


def until_of(run: BulkRun) -> float | None:
    """The cut-off, where it says anything: what was named or comes back from the bin is meant whatever its age."""
    return None if run.act == BulkAct.RESTORE else run.cut_off


def portion(run: BulkRun) -> int:
    """Jobs of one slice of a run with a rate."""
    return max(int(run.per_minute * PERIOD / 60), 1)


def period(run: BulkRun) -> float:
    """Seconds from one such slice to the next."""
    return portion(run) * 60 / run.per_minute


def finish(stores: Stores, run: BulkRun) -> None:
    """Note the end, once."""
    now = time.time()
    noting.note(stores, run, now)
    with transaction.atomic():
        is_mine = BulkRun.objects.filter(pk=run.pk, state=BulkRun.State.RUNNING).update(
            state=BulkRun.State.DONE, ended_at=now, moved_at=now
        )
        run.refresh_from_db()
        if is_mine and run.slice:
            note_end(run, now)
    if is_mine:
        stores.bulk.forget(run.pk)
        noting.trim(now)


def cancel(stores: Stores, run: BulkRun, *, who: str, now: float) -> bool:
    """Act on no further job; what was done stays done. False when it was over."""
    was_open = BulkRun.objects.filter(pk=run.pk, state__in=OPEN).update(
        state=BulkRun.State.CANCELLED, ended_at=now, moved_at=now, ended_by=who[:254]
    )
    stores.bulk.drop(run.pk)
    noting.note(stores, run, now)
    run.refresh_from_db()
    return bool(was_open)


def note_end(run: BulkRun, now: float) -> None:
    """What came of a run that went on in the background, for the journal."""
    note_deed(
        Deed(
            at=now,
            who=run.who,
            via=run.via,  # type: ignore[arg-type]
            action=run.act,
            subject=telling("run {run}: {subject}", run=str(run.pk), subject=subject_of(run)),
            reason=run.reason,
            outcome=words.outcome(run),
            succeeded=run.done > 0,
            address=run.address,
            run_id=run.pk,
        )
    )


def queue_slice(stores: Stores, run: BulkRun, number: int, *, wait: float = 0.0, anew: bool = False) -> str:
    """Queue the job that carries it on; the queue. Done again, it comes to the same, unless ``anew``: then the job that
    was queued for this slice counts as lost. (Should it live, both do no harm.)

    It goes to the front: a run that fills its own queue must not wait behind what it has put there.

    Raises:
        QueueUnavailable: Redis did not answer or refused.
    """
    now = datetime.now(UTC)
    queue = queue_for(stores, now.timestamp())
    settings = horizon_settings()
    options = resolve_options(
        settings,
        JobOptions(queue=queue, tries=TRIES, timeout=TIME_LIMIT, backoff=2, rate_limit=False, isolate=False, tenant=""),
    )
    due_at = now + timedelta(seconds=wait) if wait > 0 else None
    order = Order(settings, CARRY_ON, None, options, created_at=now, due_at=due_at)
    job_id = f"{slice_id(run, number)}-{secrets.token_hex(4)}" if anew else slice_id(run, number)
    order.send([order.new_job(job_id, Call((run.pk, number)))])
    if due_at is None:
        stores.bulk.bring_forward(queue, job_id)
    return queue


def slice_id(run: BulkRun, number: int) -> str:
    """The id of the job of one slice."""
    return f"run-{run.token.hex[:12]}-{number}"


def queue_for(stores: Stores, now: float) -> str:
    """The first queue that hands out jobs and that a living worker listens to; where there is none, the first."""
    queues = all_queues()
    pulse = stores.pulse.read(queues, now)
    served = [each for each in queues if pulse.workers_of(each)]
    return next((each for each in served or queues if not pulse.stands_still(each)), queues[0])
