"""What staff may ask for beside the clock: a round now, or some members now."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from allegro.audience.models import Member, ProviderAccount
from allegro.audience.queueing import queue_members
from allegro.audience.rounds import begin_round

MOST_MEMBERS = 1000
"""Members that are synced at one request; a round does for all."""


class TooMany(Exception):
    """More members were chosen than are synced at one request."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Whether a round begins; false when it does not."""

    reason: str = ""
    """Why not, in words; empty when it begins."""

    def __bool__(self) -> bool:
        return not self.reason


def start_round(account: ProviderAccount) -> Begun:
    """Begin a round of this account now, whenever it is due.

    Raises:
        QueueUnavailable: Redis did not answer; the next tick goes on with the round.
    """
    if not account.enabled:
        return Begun(gettext("the account is switched off."))
    if begin_round(account, timezone.now()) is None:
        return Begun(gettext("one is being dispatched already."))
    return Begun()


def sync_members(members: QuerySet[Member]) -> int:
    """Queue these members with every enabled provider of their organizations.

    Returns:
        How many jobs were queued.

    Raises:
        TooMany: nothing was queued.
        QueueUnavailable: Redis did not answer; some may be queued.
    """
    chosen = list(members.order_by("pk").values_list("organization_id", "pk").distinct()[: MOST_MEMBERS + 1])
    if len(chosen) > MOST_MEMBERS:
        raise TooMany
    by_organization: dict[int, list[UUID]] = defaultdict(list)
    for organization_id, member_id in chosen:
        by_organization[organization_id].append(member_id)
    accounts = ProviderAccount.objects.filter(organization_id__in=by_organization, enabled=True)
    return sum(queue_members(account, by_organization[account.organization_id]) for account in accounts)
