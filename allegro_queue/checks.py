"""Faults of the configuration as Django system checks: ``horizon.E…`` stop a start, ``horizon.W…`` warn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections
from django.utils import timezone
from django.utils.module_loading import import_string

from allegro_queue.conf import parse_settings, queue_configs, raw_horizon
from allegro_queue.configuration import configuration_problems
from allegro_queue.errors import did_you_mean
from allegro_queue.plan import Plan

CONFIGURATION = "configuration"
"""The tag of what must be right for any command to run. Django's other checks load every page of the site first, which
takes longer than most commands do."""

JSON_SERIALIZERS = ("json", "rq.serializers.JSONSerializer")


@register(CONFIGURATION)
def check_horizon(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every fault at once, each with what would be right."""
    return [*errors(), *warnings()]


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
    yield from maintenance_errors(settings.maintenance)
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


def maintenance_errors(path: str) -> Iterator[CheckMessage]:
    """Whoever asks Horizon to stand still must be able to tell it when."""
    if not path:
        return
    trouble = ""
    try:
        if not callable(import_string(path)):
            trouble = "which is no function"
    except ImportError as error:
        trouble = f"which cannot be imported ({error})"
    if trouble:
        yield Error(
            f"HORIZON['maintenance'] is {path!r}, {trouble}.",
            hint="Give the dotted path of a function without arguments that says whether the application is under "
            "maintenance.",
            id="horizon.E005",
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


@register(Tags.database)
def check_outbox(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Jobs that wait in the outbox; looked at by ``manage.py check --database default`` alone."""
    from allegro_queue.outbox import waiting

    found: list[CheckMessage] = []
    for alias in databases or ():
        try:
            late = waiting(timezone.now(), alias)
        except DatabaseError:
            # Not migrated yet, which other checks tell of.
            continue
        if late.since is not None:
            found.append(
                Warning(
                    f"The outbox in the database {alias!r} has {late.count} jobs that Redis has not taken, the oldest "
                    f"since {late.since:%Y-%m-%d %H:%M} UTC.",
                    hint="Is Redis up, and does 'manage.py horizon' or 'rqscheduler' run? The rows' errors are in admin.",
                    id="horizon.W010",
                )
            )
    return found
