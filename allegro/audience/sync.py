"""Which rounds of an organization are due, and their dispatch: one job per member."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q

from allegro.audience.models import ProviderAccount, SyncRun
from allegro.audience.providers import SyncProvider, provider_for
from allegro_queue.dispatch import dispatch

log = logging.getLogger(__name__)

SLACK = timedelta(seconds=30)
"""Ticks wander by a second or two; without this an interval of an hour would become an hour and five minutes."""


class RoundsFailed(Exception):
    """Some providers of an organization could not be evaluated; the others were."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The right to dispatch one round, and what to put back if that fails."""

    run_id: int
    claimed_at: datetime
    previous: datetime | None


@dataclass(kw_only=True, slots=True)
class Evaluation:
    """What became of an organization's providers."""

    dispatched: dict[str, int] = field(default_factory=dict)
    """Jobs by provider."""
    failed: dict[str, str] = field(default_factory=dict)
    """Reasons by provider."""


def evaluate(organization_id: int, now: datetime) -> Evaluation:
    """Dispatch every round that is due; one provider's trouble does not touch the others."""
    result = Evaluation()
    for account in ProviderAccount.objects.filter(organization_id=organization_id, enabled=True).order_by("pk"):
        try:
            count = dispatch_if_due(account, now)
        except Exception as error:
            log.exception("round not dispatched provider=%s organization=%s", account.provider, organization_id)
            result.failed[account.provider] = str(error) or type(error).__name__
            continue
        if count is not None:
            result.dispatched[account.provider] = count
    return result


def dispatch_if_due(account: ProviderAccount, now: datetime) -> int | None:
    """Dispatch one provider's round.

    Returns:
        Jobs queued, or ``None`` when the round is not due.
    """
    provider = provider_for(account)
    claim = claim_round(account, provider.refresh_interval(), now)
    if claim is None:
        return None
    try:
        count = dispatch_members(account, provider)
    except Exception:
        # The next tick finds the round due again. Members who were queued already are asked twice, which is harmless.
        give_back(claim)
        raise
    SyncRun.objects.filter(pk=claim.run_id).update(dispatched_members=count)
    return count


def claim_round(account: ProviderAccount, interval: timedelta, now: datetime) -> Claim | None:
    """Take the round if it is due. One conditional statement decides, so that of two evaluations only one gets it."""
    run, _ = SyncRun.objects.get_or_create(organization_id=account.organization_id, provider=account.provider)
    due = Q(last_dispatched_at__isnull=True) | Q(last_dispatched_at__lte=now - interval + SLACK)
    unchanged = Q(last_dispatched_at=run.last_dispatched_at) if run.last_dispatched_at else due
    if not SyncRun.objects.filter(due, unchanged, pk=run.pk).update(last_dispatched_at=now):
        return None
    return Claim(run_id=run.pk, claimed_at=now, previous=run.last_dispatched_at)


def give_back(claim: Claim) -> None:
    """Undo a claim, unless somebody has claimed the round since."""
    SyncRun.objects.filter(pk=claim.run_id, last_dispatched_at=claim.claimed_at).update(
        last_dispatched_at=claim.previous
    )


def dispatch_members(account: ProviderAccount, provider: SyncProvider) -> int:
    """Queue one job per member; the members are read in portions, however many there are."""
    from allegro.audience.jobs import sync_member

    count = 0
    for member_id in provider.members_to_sync().values_list("pk", flat=True).iterator(chunk_size=500):
        dispatch(sync_member, account.pk, str(member_id))
        count += 1
    return count
