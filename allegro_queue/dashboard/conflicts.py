"""Why something could not be done to one job: what it is now, since when, and who was there first."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext

from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.formats import moment
from allegro_queue.dashboard.render import clock_time
from allegro_queue.dashboard.wording import worded
from allegro_queue.stores import Stores

LOOKED_BACK = timedelta(days=1)


def why_not(stores: Stores, job_id: str, now: float) -> str:
    """Such as ``it has been running since 14:05:02 (retry by ada@alley.com at 14:05:01).``"""
    rows = stores.jobs.rows([job_id])
    if not rows:
        words = gettext("it is gone")
    else:
        row = rows[0]
        since = {"started": row.started_at, "queued": row.enqueued_at}.get(row.status, row.ended_at)
        time = clock_time(since) if since else ""
        text = {
            "started": gettext("it has been running since {time}") if since else gettext("it has been running"),
            "queued": gettext("it waits in {queue} since {time}") if since else gettext("it waits in {queue}"),
            "finished": gettext("it has finished at {time}") if since else gettext("it has finished"),
            "failed": gettext("it stays failed, since another of its kind waits or runs"),
            "scheduled": gettext("it waits for its time"),
            "canceled": gettext("it was cancelled"),
        }.get(row.status, gettext("it is {state}"))
        words = worded(text, time=time, queue=row.queue, state=row.status)
    return f"{words}{who_was_first(job_id, now)}."


def who_was_first(job_id: str, now: float) -> str:
    """The newest thing that somebody did to this job of late, in brackets."""
    found = (
        Activity.objects.filter(at__gte=moment(now) - LOOKED_BACK, subject__startswith=f"job {job_id}", succeeded=True)
        .order_by("-id")
        .first()
    )
    if found is None:
        return ""
    return " " + worded(
        gettext("({action} by {who} at {time})"),
        action=found.action,
        who=found.who,
        time=clock_time(found.at.timestamp()),
    )
