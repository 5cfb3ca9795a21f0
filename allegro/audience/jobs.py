"""The jobs of audience sync, and the one that warms a profile before its member signs in."""

from __future__ import annotations

from django.db.models import F
from django.utils import timezone

from allegro.audience.faults import said_of
from allegro.audience.freshness import ask_together, keep, stale_questions
from allegro.audience.health import health_of
from allegro.audience.keeping import keep_answer, keep_fault, keep_wish
from allegro.audience.kept_errors import error_columns
from allegro.audience.models import Member, ProviderAccount, SyncRound
from allegro.audience.pauses import look_later, queue_put_off
from allegro.audience.profiles import ask, known_of, put_off
from allegro.audience.providers import ProviderFailed, SourceBusy, provider_for
from allegro.audience.queueing import queue_evaluation
from allegro.audience.rounds import RoundsFailed, evaluate, go_on
from allegro.audience.warming import WARM_AHEAD
from allegro.organizations.models import Organization
from allegro_queue.jobs import job
from allegro_queue.tellings import telling

SYNC_QUEUE = "audience-sync"

JOB_SECONDS = 20.0
"""Time that a job gives one source for one member; well below the job's own limit."""

WARM_SECONDS = 20.0
"""Time that warming gives all sources together."""


@job(queue=SYNC_QUEUE)
def tick() -> int:
    """Every five minutes: one evaluation per organization, and no syncing here.

    Returns:
        How many evaluations were queued.
    """
    count = 0
    for organization_id in Organization.objects.values_list("pk", flat=True).iterator():
        queue_evaluation(organization_id)
        count += 1
    return count


@job(queue=SYNC_QUEUE, unique_key="evaluate:{organization_id}")
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


@job(queue=SYNC_QUEUE, unique_key="round:{round_id}:{turn}")
def continue_round(round_id: str, turn: str) -> str:
    """Read on in a source's list, or queue the next members of a round.

    Returns:
        What was done, in a word or two.
    """
    step = SyncRound.objects.select_related("account").filter(pk=round_id, dispatched_at__isnull=True).first()
    if step is None:
        return "skipped: the round was dispatched or deleted"
    if not step.account.enabled:
        ended = error_columns(telling("The account was switched off."))
        SyncRound.objects.filter(pk=step.pk).update(dispatched_at=timezone.now(), **ended)
        return "ended: the account was switched off"
    if health_of(step.account).is_busy(timezone.now()):
        SyncRound.objects.filter(pk=step.pk).update(moved_at=None)
        return "put off: the source asked to be left alone"
    return f"queued {go_on(step, step.account, provider_for(step.account), turn)}"


@job(queue=SYNC_QUEUE, unique_key="sync:{account_id}:{member_id}")
def sync_member(account_id: int, member_id: str, round_id: str | None = None) -> str:
    """Ask one source about one member.

    Returns:
        What was done, in a word or two: what has been deleted or switched off since is no fault, and a source that asks
        to be left alone is asked again later.

    Raises:
        ProviderFailed: the source was asked in vain.
    """
    account = ProviderAccount.objects.filter(pk=account_id).first()
    if account is None or not account.enabled:
        count(round_id, "skipped")
        return "skipped: the account was switched off or deleted"
    member = Member.objects.filter(pk=member_id, organization_id=account.organization_id).first()
    if member is None:
        count(round_id, "skipped")
        return "skipped: the member was deleted"
    now = timezone.now()
    health = health_of(account)
    if health.busy_until is not None and health.is_busy(now):
        put_off(member, account.provider, health.busy_until, now)
        count(round_id, "put_off")
        return "put off: the source asked to be left alone"
    try:
        provider = provider_for(account)
        fetched = ask(provider, member, known_of(member, account.provider), JOB_SECONDS)
    except SourceBusy as busy:
        keep_wish(member, account, busy, now)
        count(round_id, "put_off")
        return "put off: the source asked to be left alone"
    except Exception as error:
        keep_fault(member, account, said_of(error), now)
        count(round_id, "failed")
        raise
    kept = keep_answer(member, account, fetched, now, health)
    count(round_id, "synced")
    return "unchanged" if fetched.unchanged else "synced" if kept else "synced: what is stored is newer"


@job(queue=SYNC_QUEUE, unique_key="ask-again:{account_id}:{turn}")
def ask_again(account_id: int, turn: str) -> int:
    """Queue some of the members whom a busy source had put off.

    Returns:
        How many.
    """
    account = ProviderAccount.objects.filter(pk=account_id, enabled=True).first()
    if account is None:
        return 0
    now = timezone.now()
    queued = 0 if health_of(account).is_busy(now) else queue_put_off(account, now, turn)
    if not queued:
        # Whoever heard that it is busy anew queued no job for it while this one was there.
        look_later(account, timezone.now(), turn)
    return queued


def count(round_id: str | None, field: str) -> None:
    """Add one to a figure of the job's round."""
    if round_id is not None:
        SyncRound.objects.filter(pk=round_id).update(**{field: F(field) + 1})


@job(queue="high", timeout=60, unique_key="prewarm:{member_id}", tags=("member:{member_id}",))
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
    now = timezone.now()
    outcomes = ask_together(member, stale_questions(member, now + WARM_AHEAD), WARM_SECONDS)
    for outcome in outcomes:
        keep(member, outcome, now)
    failed = {each.account.provider: each.fault for each in outcomes if isinstance(each.fault, ProviderFailed)}
    if failed:
        raise RoundsFailed("; ".join(f"{name}: {why}" for name, why in sorted(failed.items())))
    return sorted(each.account.provider for each in outcomes)
