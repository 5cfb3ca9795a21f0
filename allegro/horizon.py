"""The ``HORIZON`` setting as data: supervisors, environments, the schedule. A comment above each key is its manual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

QUEUES = ["high", "default", "audience-sync"]


def horizon(
    *,
    environment: str,
    connection: str,
    prefix: str,
    path: str,
    allowed_jobs: list[str],
    version: str = "",
    site: str = "",
    alert_emails: Sequence[str] = (),
    alert_urls: Sequence[str] = (),
    metrics_token: str = "",
) -> dict[str, Any]:
    """The setting, with what comes from environment variables put in."""
    return {
        # Where this process runs (APP_ENV); picks the overrides below.
        "environment": environment,
        # Which backend carries jobs (QUEUE_CONNECTION). With anything but "redis" no worker is started.
        "connection": connection,
        # Start of Horizon's own Redis keys (HORIZON_PREFIX). RQ's keys follow RQ_KEY_PREFIX.
        "prefix": prefix,
        # Where the dashboard is mounted (HORIZON_PATH).
        "path": path,
        # Who may see the dashboard: a function that takes a request.
        "gate": "allegro.gates.view_horizon",
        # Dotted prefixes of the functions that workers may run (HORIZON_ALLOWED_JOBS).
        "allowed_jobs": allowed_jobs,
        # Which version of the code this is, such as a commit (APP_VERSION). The pages mark when it changed.
        "version": version,
        # Seconds that the oldest job of a queue may wait before the overview calls it too long.
        "waits": {"high": 10, "default": 60, "audience-sync": 600},
        # Minutes that completed and failed jobs stay listed in Redis. Their runs are kept in the database, for longer.
        "completed_minutes": 60,
        "failed_minutes": 7 * 24 * 60,
        # Who is told when something is wrong (ALERT_EMAILS, ALERT_URLS). Every rule is on, with the library's thresholds.
        "alerts": {
            "channels": {
                **({"mail": {"mail": list(alert_emails)}} if alert_emails else {}),
                **({"chat": {"apprise": list(alert_urls)}} if alert_urls else {}),
            },
            "address": f"{site}/{path}/" if site else "",
        },
        # What Prometheus shows to read /metrics/prometheus without a session (METRICS_TOKEN).
        "metrics_token": metrics_token,
        # What each supervisor is to do, in every environment.
        "defaults": {
            "supervisor-1": {
                # False: one pool for all queues, in strict order. ("simple" and "auto" split the workers among the
                # queues, which then have no order.)
                "balance": False,
                # Highest priority first.
                "queue": QUEUES,
                # Worker processes at least and at most. In between, as many run as jobs wait and run: more at once when
                # work comes, fewer again after a quiet minute (scale_down_after).
                "min_processes": 1,
                "max_processes": 1,
                # Attempts in all, the first included.
                "tries": 1,
                # Seconds that a job may run.
                "timeout": 60,
            },
        },
        # Overrides by environment, then by supervisor. Lists replace, they are never merged. All five are kept also when
        # it is quiet: a worker at rest costs little memory, and a burst of mails that people wait for finds them ready.
        "environments": {
            "production": {"supervisor-1": {"min_processes": 5, "max_processes": 5}},
            "staging": {"supervisor-1": {"min_processes": 5, "max_processes": 5}},
            "local": {"supervisor-1": {"max_processes": 1}},
        },
        # What is queued when. The snapshot goes to the highest queue, so that it never waits behind a backlog.
        "schedule": [
            {
                "name": "audience-sync-tick",
                "cron": "*/5 * * * *",
                "job": "allegro.audience.jobs.tick",
                "queue": "audience-sync",
            },
            {
                "name": "horizon-snapshot",
                "cron": "*/5 * * * *",
                "job": "allegro_queue.history.snapshot.snapshot",
                "queue": "high",
            },
            {
                "name": "webhooks-due",
                "cron": "* * * * *",
                "job": "allegro.webhooks.jobs.queue_due_deliveries",
                "queue": "default",
            },
            {
                "name": "links-put-off",
                "cron": "* * * * *",
                "job": "allegro.magic_links.jobs.queue_put_off_links",
                "queue": "high",
            },
            {
                "name": "links-forget",
                "cron": "7 3 * * *",
                "job": "allegro.magic_links.jobs.forget_old_links",
                "queue": "default",
            },
            {
                "name": "webhooks-forget",
                "cron": "17 3 * * *",
                "job": "allegro.webhooks.jobs.forget_old_events",
                "queue": "default",
            },
        ],
    }
