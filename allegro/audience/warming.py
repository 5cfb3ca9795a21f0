"""Warming a member's profiles between asking for a magic link and following it, so that the click waits for nobody."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from allegro.audience.freshness import stale_questions
from allegro.audience.models import Member
from allegro.audience.queueing import queue_prewarm
from allegro_queue.errors import QueueUnavailable

log = logging.getLogger(__name__)

WARM_AHEAD = timedelta(minutes=5)
"""A profile that would be too old this much later counts as stale: the link is followed a while after it was asked for."""


def warm_ahead(member: Member) -> bool:
    """Queue the warming of a member who is about to sign in, if signing in would have to ask a source.

    Safe to lose: signing in does the same work itself if it must, so that trouble here is logged and no more.

    Returns:
        Whether a job was queued.
    """
    stale = stale_questions(member, timezone.now() + WARM_AHEAD)
    if not stale:
        return False
    try:
        queue_prewarm(member.organization_id, member.pk, [each.account.provider for each in stale])
    except QueueUnavailable:
        log.warning("profile not warmed: Redis did not answer member=%s", member.pk)
        return False
    return True
