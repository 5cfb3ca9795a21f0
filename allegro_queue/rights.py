"""What somebody who may see the dashboard may do there. Each right is a permission of Django's of the same name."""

from __future__ import annotations

from enum import StrEnum

from django.utils.translation import gettext_noop


class Right(StrEnum):
    """One right. ``VIEW`` alone makes a reader."""

    VIEW = "view_horizon"
    VIEW_PAYLOAD = "view_payload"
    RETRY = "retry_job"
    DELETE = "delete_job"
    PAUSE = "pause_queue"
    CONTROL_WORKERS = "control_workers"
    RUN_CRON = "run_cron"
    ENQUEUE = "enqueue_job"
    EDIT_ALERTS = "edit_alerts"
    EXPORT = "export_jobs"


WORDS: dict[Right, str] = {
    Right.VIEW: gettext_noop("Can see the Horizon dashboard"),
    Right.VIEW_PAYLOAD: gettext_noop("Can see arguments and results of jobs"),
    Right.RETRY: gettext_noop("Can retry jobs"),
    Right.DELETE: gettext_noop("Can delete jobs and empty queues"),
    Right.PAUSE: gettext_noop("Can pause and resume queues"),
    Right.CONTROL_WORKERS: gettext_noop("Can stop jobs and control workers"),
    Right.RUN_CRON: gettext_noop("Can run and pause scheduled entries"),
    Right.ENQUEUE: gettext_noop("Can queue jobs anew and move them"),
    Right.EDIT_ALERTS: gettext_noop("Can mute alerts and note failures as known"),
    Right.EXPORT: gettext_noop("Can export lists"),
}
"""What admin shows beside each permission."""

ALL_RIGHTS = frozenset(Right)
