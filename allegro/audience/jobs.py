"""The jobs of audience sync, and the one that warms a profile before its member signs in."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from allegro.audience.models import Member, ProviderAccount
from allegro.audience.profiles import JOB_SECONDS, refresh, stale_providers
from allegro.audience.providers import provider_for
from allegro.audience.sync import RoundsFailed, evaluate
from allegro.organizations.models import Organization
from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import job

SYNC_QUEUE = "audience-sync"

WARM_AHEAD = timedelta(minutes=5)
"""A profile that would be too old this much later counts as stale: the link is followed a while after it was asked for."""


@job(queue=SYNC_QUEUE)
def tick() -> int:
    """Every five minutes: one evaluation per organization, and no syncing here.

    Returns:
        How many evaluations were queued.
    """
    count = 0
    for organization_id in Organization.objects.values_list("pk", flat=True).iterator():
        dispatch(evaluate_organization, organization_id)
        count += 1
    return count


@job(queue=SYNC_QUEUE)
def evaluate_organization(organization_id: int) -> dict[str, int]:
    """Dispatch the rounds of one organization that are due.

    Returns:
        Jobs queued, by provider.

    Raises:
        RoundsFailed: after all were looked at, if some could not be dispatched.
    """
    result = evaluate(organization_id, timezone.now())
    if result.failed:
        raise RoundsFailed("; ".join(f"{name}: {why}" for name, why in result.failed.items()))
    return result.dispatched


@job(queue=SYNC_QUEUE)
def sync_member(account_id: int, member_id: str) -> str:
    """Ask one source about one member.

    Returns:
        What was done, in a word or two: what has been deleted or switched off since is no fault.
    """
    account = ProviderAccount.objects.filter(pk=account_id).first()
    if account is None or not account.enabled:
        return "skipped: the account was switched off or deleted"
    member = Member.objects.filter(pk=member_id, organization_id=account.organization_id).first()
    if member is None:
        return "skipped: the member was deleted"
    refresh(provider_for(account), member, JOB_SECONDS)
    return "synced"


@job(queue="high", timeout=60)
def prewarm_profile(member_id: str) -> list[str]:
    """Refresh what signing in would have to refresh, so that the person who clicks a link does not wait for it.

    Safe to lose and to repeat: signing in does the same work itself if it must.

    Returns:
        Names of the providers that were asked and answered.

    Raises:
        RoundsFailed: after all were asked, if some did not answer.
    """
    member = Member.objects.filter(pk=member_id).first()
    if member is None:
        return []
    warmed, failed = [], []
    for provider in list(stale_providers(member, timezone.now() + WARM_AHEAD)):
        try:
            refresh(provider, member, JOB_SECONDS / 2)
        except Exception as error:  # noqa: BLE001 - providers are other people's code, and each stands alone
            failed.append(f"{provider.name}: {error}")
            continue
        warmed.append(provider.name)
    if failed:
        raise RoundsFailed("; ".join(failed))
    return warmed
