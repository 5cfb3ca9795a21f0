"""How the jobs of audience sync are queued: for whom each acts, and under which words it is found."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from allegro.audience.models import ProviderAccount
from allegro_queue.dispatch import dispatch
from allegro_queue.tenancy import acting_for


def queue_evaluation(organization_id: int) -> str:
    """One evaluation of an organization."""
    from allegro.audience.jobs import evaluate_organization

    with acting_for(str(organization_id)):
        return dispatch(evaluate_organization, organization_id)


def queue_round(account: ProviderAccount, round_id: UUID) -> str:
    """The next step of a round."""
    from allegro.audience.jobs import continue_round

    with acting_for(str(account.organization_id)):
        return dispatch(continue_round, str(round_id))


def queue_members(account: ProviderAccount, member_ids: Sequence[UUID], round_id: UUID | None = None) -> int:
    """One job a member.

    Returns:
        How many were queued: a member whose job still waits gets no second one.
    """
    from allegro.audience.jobs import sync_member

    round_argument = str(round_id) if round_id else None
    with acting_for(str(account.organization_id)):
        for member_id in member_ids:
            dispatch(sync_member, account.pk, str(member_id), round_argument)
    return len(member_ids)


def queue_prewarm(organization_id: int, member_id: UUID) -> str:
    """The job that warms a member's profiles."""
    from allegro.audience.jobs import prewarm_profile

    with acting_for(str(organization_id)):
        return dispatch(prewarm_profile, str(member_id))
