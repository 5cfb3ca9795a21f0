"""Why something could not be done to one job: what it is now, since when, and who was there first."""

from __future__ import annotations

from datetime import timedelta

from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.formats import moment
from allegro_queue.dashboard.render import clock_time
from allegro_queue.stores import Stores

LOOKED_BACK = timedelta(days=1)


def why_not(stores: Stores, job_id: str, now: float) -> str:
    """Such as ``it has been running since 14:05:02 (retry by ada@alley.com at 14:05:01).``"""
    rows = stores.jobs.rows([job_id])
    if not rows:
        words = "it is gone"
    else:
        row = rows[0]
        since = {"started": row.started_at, "queued": row.enqueued_at}.get(row.status, row.ended_at)
        at = f" since {clock_time(since)}" if since else ""
        words = {
            "started": f"it has been running{at}",
            "queued": f"it waits in {row.queue}{at}",
            "finished": f"it has finished{f' at {clock_time(since)}' if since else ''}",
            "failed": "it stays failed, since another of its kind waits or runs",
            "scheduled": "it waits for its time",
            "canceled": "it was cancelled",
        }.get(row.status, f"it is {row.status}")
    return f"{words}{who_was_first(job_id, now)}."


def who_was_first(job_id: str, now: float) -> str:
    """The newest thing that somebody did to this job of late, in brackets."""
    found = (
        Activity.objects.filter(at__gte=moment(now) - LOOKED_BACK, subject__startswith=f"job {job_id}", succeeded=True)
        .order_by("-id")
        .first()
    )
    return f" ({found.action} by {found.who} at {clock_time(found.at.timestamp())})" if found else ""
