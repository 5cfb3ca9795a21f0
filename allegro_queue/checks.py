"""Faults of the configuration as Django system checks: ``horizon.E…`` stop a start, ``horizon.W…`` warn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import connections
from django.utils.module_loading import import_string

from allegro_queue.alerts.options import parse_alerts
from allegro_queue.conf import admin_addresses, parse_settings, queue_configs, raw_horizon
from allegro_queue.errors import did_you_mean
from allegro_queue.plan import Plan, problems_in
from allegro_queue.scheduling.entries import problems_in_schedule

JSON_SERIALIZERS = ("json", "rq.serializers.JSONSerializer")


SHORTEST_TOKEN = 16


@register()
def check_horizon(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every fault at once, each with what would be right."""
    return [*errors(), *warnings()]


def configuration_problems() -> list[str]:
    """Every fault that keeps Horizon from starting, as sentences."""
    settings, problems = parse_settings(raw_horizon())
    queues = queue_configs()
    problems += problems_in(settings, queues)
    problems += problems_in_schedule(settings.schedule, queues)
    if 0 < len(settings.metrics_token) < SHORTEST_TOKEN:
        problems.append(
            f"HORIZON['metrics_token'] is too short to keep anybody out; give it {SHORTEST_TOKEN} characters."
        )
    problems += parse_alerts(settings.alerts, admin_addresses())[1]
    return problems


def errors() -> Iterator[CheckMessage]:
    for problem in configuration_problems():
        yield Error(problem, id="horizon.E001")
    settings, _ = parse_settings(raw_horizon())
    try:
        import_string(settings.gate)
    except ImportError as error:
        yield Error(
            f"HORIZON['gate'] is {settings.gate!r}, which cannot be imported ({error}).",
            hint="Give the dotted path of a function that takes a request and returns allegro_queue.access.Access.",
            id="horizon.E002",
        )
    yield from database_errors(settings.database)
    for name, config in queue_configs().items():
        serializer = config.get("SERIALIZER")
        if serializer not in JSON_SERIALIZERS:
            yield Error(
                f"RQ_QUEUES[{name!r}] has SERIALIZER = {serializer!r}: its jobs would be pickled, and whoever can write "
                "to Redis could run code here.",
                hint="Set it to 'rq.serializers.JSONSerializer'.",
                id="horizon.E003",
            )


def database_errors(alias: str) -> Iterator[CheckMessage]:
    """History needs a database that it has words for."""
    if alias not in connections:
        yield Error(
            f"HORIZON['database'] is {alias!r}, which DATABASES does not have{did_you_mean(alias, connections)}",
            id="horizon.E004",
        )
    elif (vendor := connections[alias].vendor) not in ("sqlite", "postgresql"):
        yield Error(
            f"HORIZON['database'] is {alias!r}, a database of kind {vendor!r}; history is kept in SQLite or PostgreSQL.",
            hint="Give history a database of its own in DATABASES, an SQLite file say.",
            id="horizon.E004",
        )


def warnings() -> Iterator[CheckMessage]:
    settings, _ = parse_settings(raw_horizon())
    notice = Plan(environment=settings.environment, connection=settings.connection, supervisors=()).notice
    if notice:
        yield Warning(notice, id="horizon.W001")
    order = [config.name for config in apps.get_app_configs()]
    if "django_rq" in order and order.index("allegro_queue") > order.index("django_rq"):
        yield Warning(
            "INSTALLED_APPS has 'django_rq' before 'allegro_queue', so manage.py rqworker starts RQ's own worker.",
            hint="Move 'allegro_queue' before 'django_rq'.",
            id="horizon.W002",
        )
