"""Every fault of the settings that keeps Horizon from starting: the supervisors' and the schedule's."""

from __future__ import annotations

from allegro_queue.conf import parse_settings, queue_configs, raw_horizon
from allegro_queue.plan import problems_in
from allegro_queue.scheduling.entries import problems_in_schedule


def configuration_problems() -> list[str]:
    """All of them at once, as sentences."""
    settings, problems = parse_settings(raw_horizon())
    queues = queue_configs()
    problems += problems_in(settings, queues)
    problems += problems_in_schedule(settings.schedule, queues, settings.allowed_jobs)
    return problems
