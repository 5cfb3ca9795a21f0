"""How the jobs of audience sync are queued: for whom each acts, and under which words it is found.

Every job carries its organization as its tenant, and the tags ``organization:…``, ``provider:…`` and ``member:…`` as far
as they apply. Arguments are ids alone. That no two of the same wait or run is declared beside the jobs.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from allegro.audience.models import ProviderAccount
from allegro_queue.dispatch import Dispatched, dispatch, dispatch_many
from allegro_queue.jobs import JobOptions
from allegro_queue.rates import Rate


def tags_of(account: ProviderAccount) -> tuple[str, ...]:
    return (f"organization:{account.organization_id}", f"provider:{account.provider}")


def turn_after(turn: str) -> str:
    """The turn of a job's successor. Of each turn one waits or runs at a time, and a job's own lock is still held."""
    return "odd" if turn == "even" else "even"


def queue_evaluation(organization_id: int) -> Dispatched:
    """One evaluation of an organization, unless one waits or runs: ticks never pile up behind a backlog."""
    from allegro.audience.jobs import evaluate_organization

    options = JobOptions(tenant=str(organization_id), tags=(f"organization:{organization_id}",))
    return dispatch(evaluate_organization, organization_id, options=options)


def queue_round(account: ProviderAccount, round_id: UUID, turn: str = "even") -> Dispatched:
    """The next step of a round, unless one of this turn waits or runs."""
    from allegro.audience.jobs import continue_round

    options = JobOptions(tenant=str(account.organization_id), tags=tags_of(account))
    return dispatch(continue_round, str(round_id), turn, options=options)


def queue_members(account: ProviderAccount, member_ids: Iterable[UUID], round_id: UUID | None = None) -> int:
    """One job a member, hundreds at a time, at the account's pace if it has one.

    Returns:
        How many were queued: a member whose job still waits or runs gets no second one.
    """
    from allegro.audience.jobs import sync_member

    pace = account.requests_per_minute
    options = JobOptions(
        tenant=str(account.organization_id),
        tags=(*tags_of(account), "member:{member_id}"),
        rate_limit=Rate(pace, 60, f"provider-account:{account.pk}") if pace else None,
    )
    on_behalf = [str(round_id)] if round_id else []
    calls = ((account.pk, str(member_id), *on_behalf) for member_id in member_ids)
    return dispatch_many(sync_member, calls, options=options).queued


def queue_ask_again(account: ProviderAccount, seconds: float = 0, turn: str = "first") -> Dispatched:
    """After so many seconds, go on with whom the source was too busy for, unless a job of this turn waits or runs."""
    from allegro.audience.jobs import ask_again

    options = JobOptions(tenant=str(account.organization_id), tags=tags_of(account))
    return dispatch(ask_again, account.pk, turn, options=options, delay=seconds)


def queue_prewarm(organization_id: int, member_id: UUID, providers: Iterable[str]) -> Dispatched:
    """The job that warms a member's profiles, unless one waits or runs.

    Args:
        providers: those that are stale now, for the tags; the job looks again.
    """
    from allegro.audience.jobs import prewarm_profile

    of_providers = (f"provider:{each}" for each in providers)
    tags = (f"organization:{organization_id}", "member:{member_id}", *of_providers)
    options = JobOptions(tenant=str(organization_id), tags=tags)
    return dispatch(prewarm_profile, str(member_id), options=options)
