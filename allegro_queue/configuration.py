"""Every fault of the settings that keeps Horizon from starting: the supervisors', the schedule's and the alerts'."""

from __future__ import annotations

from allegro_queue.alerts.options import parse_alerts
from allegro_queue.conf import admin_addresses, parse_settings, queue_configs, raw_horizon
from allegro_queue.plan_problems import problems_in
from allegro_queue.scheduling.entries import problems_in_schedule

SHORTEST_TOKEN = 16
"""Characters of ``metrics_token``."""


def configuration_problems() -> list[str]:
    """All of them at once, as sentences."""
    settings, problems = parse_settings(raw_horizon())
    queues = queue_configs()
    problems += problems_in(settings, queues)
    problems += problems_in_schedule(settings.schedule, queues, settings.allowed_jobs)
    if 0 < len(settings.metrics_token) < SHORTEST_TOKEN:
        problems.append(
            f"HORIZON['metrics_token'] is too short to keep anybody out; give it {SHORTEST_TOKEN} characters."
        )
    problems += parse_alerts(settings.alerts, admin_addresses())[1]
    return problems
