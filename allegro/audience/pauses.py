"""Sources that ask to be left alone: nobody asks them meanwhile, and whoever waited is asked for afterwards.

No attempt is spent on it: a job that meets a busy source ends well, notes its member as put off, and the member gets a
new job once the time is over.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import QuerySet

from allegro.audience.health import health_of, note_busy
from allegro.audience.models import ExternalProfile, ProviderAccount
from allegro.audience.queueing import queue_ask_again, queue_members, turn_after
from allegro_queue.errors import QueueUnavailable

log = logging.getLogger(__name__)

ASKED_AT_ONCE = 200
"""Members that are queued at a time after a rest: were it all of them, most would only be put off again."""

ASKED_AGAIN_EVERY = timedelta(minutes=30)
"""Time after which a member who was queued again, and of whom nothing was heard, is queued once more."""


def leave_alone(account: ProviderAccount, seconds: float, now: datetime) -> datetime:
    """Note that the source wants to be left alone, and have it asked again afterwards.

    Returns:
        Until when.
    """
    until = note_busy(account, seconds, now)
    try:
        queue_ask_again(account, (until - now).total_seconds())
    except QueueUnavailable:
        log.warning("left to the next tick: Redis did not answer account=%s", account.pk)
    return until


def look_later(account: ProviderAccount, now: datetime, turn: str) -> None:
    """Have the source asked again once it may be, if it is busy.

    Args:
        turn: of the job that does this.
    """
    until = health_of(account).busy_until
    if until is not None and until > now:
        queue_ask_again(account, (until - now).total_seconds(), turn_after(turn))


def put_off_members(account: ProviderAccount, now: datetime) -> QuerySet[ExternalProfile]:
    """Profiles whose source was too busy, and whose time has come."""
    return ExternalProfile.objects.filter(
        provider=account.provider, member__organization_id=account.organization_id, ask_again_at__lte=now
    )


def queue_put_off(account: ProviderAccount, now: datetime, turn: str) -> int:
    """Queue some of the members whose time has come, and behind them another look for more.

    Args:
        turn: of the job that does this.

    Returns:
        How many.
    """
    found = dict(put_off_members(account, now).order_by("ask_again_at").values_list("pk", "member_id")[:ASKED_AT_ONCE])
    if not found:
        return 0
    count = queue_members(account, found.values())
    ExternalProfile.objects.filter(pk__in=found, ask_again_at__lte=now).update(ask_again_at=now + ASKED_AGAIN_EVERY)
    queue_ask_again(account, turn=turn_after(turn))
    return count
