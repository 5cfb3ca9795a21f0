"""Which rounds of an organization are due, and their dispatch: one job per member, a portion at a time.

A round keeps in the database how far it has come, so that it goes on after a crash where it stood, in bounded memory,
and in steps that end well before a job's time limit.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from allegro.audience.faults import said_of, told
from allegro.audience.health import health_of, make_sure, note_failure, run_of
from allegro.audience.kept_errors import error_columns
from allegro.audience.lists import read_list
from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRound
from allegro.audience.pauses import leave_alone, put_off_members
from allegro.audience.providers import ListingProvider, SourceBusy, SyncProvider, provider_for
from allegro.audience.queueing import queue_ask_again, queue_members, queue_round, turn_after
from allegro_queue.tellings import told_by

log = logging.getLogger(__name__)

SLACK = timedelta(seconds=30)
"""Ticks wander by a second or two; without this an interval of an hour would become an hour and five minutes."""

PORTION = 1000
"""Members that are read and queued at a time."""

STEP_SECONDS = 20.0
"""Time that one job spends on queueing before it hands on to the next."""

STEP_MEMBERS = 20 * PORTION
"""Members that one step queues at most. The next step waits behind them, so that the queue of a large audience stays short
enough for Redis, however large the audience is."""

STALLED_AFTER = timedelta(minutes=2)
"""A round that has not moved for so long may have lost its job; the next tick queues one, unless one waits."""

KEPT_FOR = timedelta(days=30)


class RoundsFailed(Exception):
    """Some providers could not be evaluated, or asked; the others were."""


@dataclass(kw_only=True, slots=True)
class Evaluation:
    """What became of an organization's providers."""

    dispatched: dict[str, int] = field(default_factory=dict)
    """Jobs queued here and now, by provider; a large round goes on in further jobs."""
    failed: dict[str, str] = field(default_factory=dict)
    """Reasons by provider."""


def evaluate(organization_id: int, now: datetime) -> Evaluation:
    """Dispatch every round that is due, and go on with those that stand still; each provider stands alone."""
    result = Evaluation()
    accounts = ProviderAccount.objects.filter(organization_id=organization_id, enabled=True)
    for account in accounts.order_by("pk"):
        try:
            count = evaluate_account(account, now)
        except Exception as error:  # noqa: BLE001 - providers are other people's code
            fault = told_by(told(error, account.provider))
            log.warning("round not dispatched provider=%s account=%s: %s", account.provider, account.pk, fault)
            result.failed[account.provider] = fault.english
            note_failure(account, fault, now)
            continue
        if count is not None:
            result.dispatched[account.provider] = count
    SyncRound.objects.filter(account__organization_id=organization_id, started_at__lt=now - KEPT_FOR).delete()
    return result


def evaluate_account(account: ProviderAccount, now: datetime) -> int | None:
    """Dispatch one provider's round if it is due, or go on with the one that stands still.

    Returns:
        Jobs queued, or ``None`` when there was nothing to do.
    """
    provider = provider_for(account)
    if health_of(account).is_busy(now):
        return None
    if put_off_members(account, now).exists():
        queue_ask_again(account)
    running = open_round(account)
    if running is not None and running.moved_at is not None:
        if running.moved_at <= now - STALLED_AFTER:
            queue_round(account, running.pk)
        return None
    step = running or claim_round(account, provider.refresh_interval(), now)
    if step is None:
        return None
    return advance(step, account, provider)


def open_round(account: ProviderAccount) -> SyncRound | None:
    """The account's round whose dispatch has not come to its end."""
    return account.rounds.filter(dispatched_at__isnull=True).first()


def claim_round(account: ProviderAccount, interval: timedelta, now: datetime) -> SyncRound | None:
    """Begin a round if it is due by the last *dispatch*. One conditional statement decides who of several begins it."""
    make_sure(account)
    due = Q(last_dispatched_at__isnull=True) | Q(last_dispatched_at__lte=now - max(interval, 2 * SLACK) + SLACK)
    # Both or neither: a claim without its round would silently skip one.
    with transaction.atomic():
        if not run_of(account).filter(due).update(last_dispatched_at=now, dispatched_members=0):
            return None
        return SyncRound.objects.create(account=account, started_at=now)


def begin_round(account: ProviderAccount, now: datetime) -> SyncRound | None:
    """Begin a round because somebody asked for it, and queue its first step.

    Returns:
        ``None`` when one is being dispatched already.
    """
    make_sure(account)
    with transaction.atomic():
        # The row is the lock: of two who ask at once, the second sees the first one's round.
        run_of(account).update(last_dispatched_at=now, dispatched_members=0)
        if open_round(account) is not None:
            return None
        step = SyncRound.objects.create(account=account, started_at=now, by_hand=True)
        queue_round(account, step.pk)
    return step


def advance(step: SyncRound, account: ProviderAccount, provider: SyncProvider, turn: str = "") -> int:
    """Go on with a round for ``STEP_SECONDS`` or ``STEP_MEMBERS``, and leave the rest to another job.

    Args:
        turn: of the job that does this, if it is one of the round's.

    Returns:
        Jobs for members that were queued.

    Raises:
        Exception: whatever stopped it, noted on the round; the next tick goes on from where it stands.
    """
    try:
        if wants_list(step, account, provider):
            # Reading takes its time, which the organization's other providers should not wait for.
            touch(step)
            queue_round(account, step.pk, turn_after(turn))
            return 0
        return queue_portions(step, account, provider, turn)
    except Exception as error:
        SyncRound.objects.filter(pk=step.pk).update(moved_at=None, **error_columns(said_of(error)))
        raise


def go_on(step: SyncRound, account: ProviderAccount, provider: SyncProvider, turn: str) -> int:
    """The same in a job of its own, which reads the source's list first if that is wanted.

    Returns:
        Jobs for members that were queued.
    """
    if not (wants_list(step, account, provider) and isinstance(provider, ListingProvider)):
        return advance(step, account, provider, turn)
    try:
        read_list(step, account, provider, STEP_SECONDS)
    except SourceBusy as busy:
        leave_alone(account, busy.wait_seconds, timezone.now())
        SyncRound.objects.filter(pk=step.pk).update(moved_at=None, **error_columns(told_by(busy)))
        return 0
    return advance(step, account, provider, turn)


def wants_list(step: SyncRound, account: ProviderAccount, provider: SyncProvider) -> bool:
    """Whether the source's list is to be read before members are asked for."""
    return account.read_list and step.list_done_at is None and isinstance(provider, ListingProvider)


def queue_portions(step: SyncRound, account: ProviderAccount, provider: SyncProvider, turn: str = "") -> int:
    """Queue portion after portion until the members, the time, or the room of this step are at an end."""
    started = time.monotonic()
    total = 0
    while total < STEP_MEMBERS and time.monotonic() - started < STEP_SECONDS:
        found = list(members_left(step, account, provider).values_list("pk", flat=True)[:PORTION])
        queued = queue_members(account, found, step.pk) if found else 0
        total += queued
        if not move(step, found, queued):
            log.info("round goes on elsewhere account=%s round=%s", account.pk, step.pk)
            return total
        if len(found) < PORTION:
            finish(step, account)
            return total
    queue_round(account, step.pk, turn_after(turn))
    return total


def members_left(step: SyncRound, account: ProviderAccount, provider: SyncProvider) -> QuerySet[Member]:
    """Whom the round has yet to reach, in order; never another organization's, whatever the provider asks for."""
    members = provider.members_to_sync().filter(organization_id=account.organization_id)
    if step.cursor is not None:
        members = members.filter(pk__gt=step.cursor)
    if step.list_done_at is not None:
        heard_of = ExternalProfile.objects.filter(
            member=OuterRef("pk"), provider=account.provider, synced_at__gte=step.started_at
        )
        members = members.filter(~Exists(heard_of))
    return members.order_by("pk")


def move(step: SyncRound, found: list[UUID], queued: int) -> bool:
    """Note a portion as queued.

    Returns:
        Whether this step may go on: not when another has moved the round meanwhile.
    """
    reached = found[-1] if found else step.cursor
    here = Q(cursor__isnull=True) if step.cursor is None else Q(cursor=step.cursor)
    moved = SyncRound.objects.filter(here, pk=step.pk, dispatched_at__isnull=True).update(
        cursor=reached,
        dispatched=F("dispatched") + queued,
        pending_already=F("pending_already") + len(found) - queued,
        moved_at=timezone.now(),
        **error_columns(None),
    )
    step.cursor = reached
    return bool(moved)


def finish(step: SyncRound, account: ProviderAccount) -> None:
    """The last of the round's jobs is queued."""
    SyncRound.objects.filter(pk=step.pk).update(dispatched_at=timezone.now())
    step.refresh_from_db()
    run_of(account).update(dispatched_members=step.dispatched)


def touch(step: SyncRound) -> None:
    """The round is in somebody's hands."""
    SyncRound.objects.filter(pk=step.pk).update(moved_at=timezone.now())
