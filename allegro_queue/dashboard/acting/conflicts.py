"""Why something could not be done to one job: what it is now, since when, and who was there first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.utils.translation import gettext_noop

from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.page.formats import clock_time, moment
from allegro_queue.stores import Stores
from allegro_queue.tellings import Telling, telling

LOOKED_BACK = timedelta(days=1)

IS_NOW: Mapping[str, str] = {
    "started": gettext_noop("it has been running"),
    "queued": gettext_noop("it waits in {queue}"),
    "finished": gettext_noop("it has finished"),
    "failed": gettext_noop("it stays failed, since another of its kind waits or runs"),
    "scheduled": gettext_noop("it waits for its time"),
    "canceled": gettext_noop("it was cancelled"),
}
"""By RQ's status."""

IS_SINCE: Mapping[str, str] = {
    "started": gettext_noop("it has been running since {time}"),
    "queued": gettext_noop("it waits in {queue} since {time}"),
    "finished": gettext_noop("it has finished at {time}"),
}
"""The same where the time is known."""


def why_not(stores: Stores, job_id: str, now: float) -> Telling:
    """Such as ``it has been running since 14:05:02 (retry by ada@alley.com at 14:05:01).``"""
    state = state_words(stores, job_id)
    first = who_was_first(job_id, now)
    if first is None:
        return telling("{state}.", state=state)
    return telling(
        "{state} ({action} by {who} at {time}).",
        state=state,
        action=telling(first.action),
        who=first.who,
        time=clock_time(first.at.timestamp()),
    )


def state_words(stores: Stores, job_id: str) -> Telling:
    """What the job is now."""
    rows = stores.jobs.rows([job_id])
    if not rows:
        return telling("it is gone")
    row = rows[0]
    since = {"started": row.started_at, "queued": row.enqueued_at}.get(row.status, row.ended_at)
    text = IS_SINCE.get(row.status) if since else None
    text = text or IS_NOW.get(row.status) or gettext_noop("it is {state}")
    return telling(text, time=clock_time(since) if since else "", queue=row.queue, state=row.status)


def who_was_first(job_id: str, now: float) -> Activity | None:
    """The newest thing that somebody did to this job of late."""
    return (
        Activity.objects.filter(at__gte=moment(now) - LOOKED_BACK, subject__startswith=f"job {job_id}", succeeded=True)
        .order_by("-id")
        .first()
    )
