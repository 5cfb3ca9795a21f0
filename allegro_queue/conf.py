"""The ``HORIZON`` setting as a frozen value, read afresh at each call. The only reader of ``django.conf`` in the library."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings

from allegro_queue.errors import InvalidConfiguration, did_you_mean


class Secret(str):
    """A text that is as good as any, but for its ``repr``: Django's error reports show settings, to a browser and by mail."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


def snake_case(key: str) -> str:
    """Horizon's spelling of a key in ours: ``maxProcesses`` becomes ``max_processes``."""
    return CAMEL_HUMP.sub(lambda hump: "_" + hump.group(1).lower(), key)


@dataclass(frozen=True, kw_only=True, slots=True)
class HorizonSettings:
    """What ``settings.HORIZON`` says, with the library's defaults for what it leaves out."""

    environment: str = "production"
    """Name of where this process runs; picks the overrides. ``local`` also opens the dashboard to loopback."""

    connection: str = "redis"
    """Which backend carries jobs. With anything but ``redis`` Horizon runs and starts no worker."""

    prefix: str = "horizon:"
    """Start of the library's own Redis keys. RQ's keys follow ``RQ_KEY_PREFIX``."""

    path: str = "horizon"
    """Where the dashboard is mounted, without slashes at its ends."""

    frame: str = "admin"
    """What stands around its pages: admin's templates as the project has them, or with ``django`` Django's own, though a
    theme has replaced them."""

    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Supervisor options by supervisor name, for every environment."""

    environments: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Overrides by environment, then by supervisor name."""

    queues: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options by queue name, over those of the supervisor: ``tries``, ``timeout``, ``backoff``, ``rate_limit``,
    ``isolate``, ``max_processes``."""

    max_processes: int = 0
    """Worker processes at most, over all supervisors of all hosts; 0 for no limit beyond the supervisors' own."""

    schedule: Sequence[Mapping[str, Any]] = ()
    """Cron entries: ``name``, ``job``, ``cron`` or ``every``, and what ``scheduling.entries.CronEntry`` has besides."""

    gate: str = "allegro_queue.access.nobody"
    """Dotted path of ``(request) -> Access``: who may see the dashboard. The default lets nobody in."""

    maintenance: str = ""
    """Dotted path of ``() -> bool``: whether the application is under maintenance, so that ``manage.py horizon`` starts
    no job but those of supervisors with ``force``. Empty: it never is."""

    allowed_jobs: Sequence[str] = ("*",)
    """Dotted prefixes of the functions that workers may run; ``*`` allows all."""

    waits: Mapping[str, int] = field(default_factory=dict)
    """Seconds that the oldest job of a queue may wait before the overview calls it too long (60 unless said)."""

    completed_minutes: int = 60
    """Minutes that a completed job stays listed."""

    failed_minutes: int = 7 * 24 * 60
    """Minutes that a failed job stays listed."""

    database: str = "default"
    """Alias, in ``DATABASES``, of the database that keeps history and metrics: SQLite or PostgreSQL."""

    history: bool = True
    """Whether each run is kept in the database. Metrics and failure groups are kept in any case."""

    history_days: int = 30
    """Days that a run, a failure group or a gap is kept."""

    history_runs: int = 1_000_000
    """Runs that are kept at most; the oldest go first."""

    metrics_hours: int = 24
    """Hours that metrics are kept by five minutes."""

    metrics_days: int = 30
    """Days that metrics are kept by the hour."""

    metrics_long_days: int = 400
    """Days that metrics are kept by the day."""

    tag_prefixes: Sequence[str] = ()
    """Kinds of tags that metrics are kept of besides queues and job names, such as ``organization`` for ``organization:7``."""

    silenced: Sequence[str] = ()
    """Dotted names of jobs whose successful runs stand in a list of their own."""

    silenced_tags: Sequence[str] = ()
    """Tags whose jobs are silenced."""

    runs_kept: int = 100_000
    """Run records that Redis keeps for the collector, about: what it misses beyond them is lost to history."""

    batch_days: int = 7
    """Days that a batch is kept after its end."""

    log_lines: int = 200
    """Last log lines that are kept of a job's run, for its page; 0: none are captured."""

    notes_kept: int = 1_000
    """Jobs whose progress and log are kept at most; the oldest go first."""

    activity_days: int = 400
    """Days that the journal of what people did is kept."""

    version: str = ""
    """Version of the project's code, such as a commit; noted with each run."""

    alerts: Mapping[str, Any] = field(default_factory=dict)
    """Who is told, about what: ``rules``, ``channels``, ``repeat``, ``quiet``, ``address`` (``docs/alerts.md``)."""

    metrics_token: str = ""
    """What a bearer of ``/metrics/prometheus`` must show; when it is empty, only the gate lets in."""

    max_payload_bytes: int = 512 * 1024
    """Largest size of a job's arguments as JSON, in bytes."""


TYPES: Mapping[str, tuple[type, ...]] = {
    "environment": (str,),
    "connection": (str,),
    "prefix": (str,),
    "path": (str,),
    "frame": (str,),
    "defaults": (Mapping,),
    "environments": (Mapping,),
    "queues": (Mapping,),
    "max_processes": (int,),
    "schedule": (list, tuple),
    "gate": (str,),
    "maintenance": (str,),
    "allowed_jobs": (list, tuple),
    "waits": (Mapping,),
    "completed_minutes": (int,),
    "failed_minutes": (int,),
    "database": (str,),
    "history": (bool,),
    "history_days": (int,),
    "history_runs": (int,),
    "metrics_hours": (int,),
    "metrics_days": (int,),
    "metrics_long_days": (int,),
    "tag_prefixes": (list, tuple),
    "silenced": (list, tuple),
    "silenced_tags": (list, tuple),
    "runs_kept": (int,),
    "batch_days": (int,),
    "log_lines": (int,),
    "notes_kept": (int,),
    "activity_days": (int,),
    "version": (str,),
    "alerts": (Mapping,),
    "metrics_token": (str,),
    "max_payload_bytes": (int,),
}

CHOICES: Mapping[str, tuple[str, ...]] = {"frame": ("admin", "django")}
"""Texts of which there are only these."""

FROM_NOUGHT = frozenset({"max_processes", "log_lines"})
"""Numbers that may be 0."""

WORDS: Mapping[type, str] = {
    str: "text",
    bool: "True or False",
    Mapping: "a dict",
    list: "a list",
    tuple: "a list",
    int: "a whole number",
}


SECRET = frozenset({"alerts", "metrics_token"})
"""Keys whose values are never quoted."""


def parse_settings(given: Any) -> tuple[HorizonSettings, list[str]]:
    """The settings and every fault of their top level; a faulty key keeps its default."""
    if not isinstance(given, Mapping):
        return HorizonSettings(), [f"HORIZON is {given!r}; it must be a dict."]
    known = {each.name for each in fields(HorizonSettings)}
    values: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in given.items():
        name = snake_case(str(key))
        if name not in known:
            problems.append(f"HORIZON has an unknown key {key!r}{did_you_mean(name, known)}")
        elif not isinstance(value, TYPES[name]) or (isinstance(value, bool) and bool not in TYPES[name]):
            found = "" if name in SECRET else f"is {value!r}; it "
            problems.append(f"HORIZON[{key!r}] {found}must be {WORDS[TYPES[name][0]]}.")
        elif name in CHOICES and value not in CHOICES[name]:
            problems.append(f"HORIZON[{key!r}] is {value!r}; it must be {' or '.join(map(repr, CHOICES[name]))}.")
        elif (
            isinstance(value, int)
            and not isinstance(value, bool)
            and value < (least := 0 if name in FROM_NOUGHT else 1)
        ):
            problems.append(f"HORIZON[{key!r}] is {value!r}; it must be {least} or more.")
        else:
            values[name] = value
    return HorizonSettings(**values), problems


_last: tuple[Any, HorizonSettings] | None = None


def horizon_settings() -> HorizonSettings:
    """The settings as they are now, so that a test may override them; read anew whenever ``HORIZON`` is another object.

    Raises:
        InvalidConfiguration: the top level of ``HORIZON`` has faults; all are listed.
    """
    global _last
    given = getattr(settings, "HORIZON", {})
    if _last is None or _last[0] is not given:
        parsed, problems = parse_settings(given)
        if problems:
            raise InvalidConfiguration(problems)
        _last = given, parsed
    return _last[1]


def raw_horizon() -> Any:
    """``settings.HORIZON`` as it was written, for the checks, which report its faults instead of raising."""
    return getattr(settings, "HORIZON", {})


def queue_configs() -> Mapping[str, Mapping[str, Any]]:
    """``settings.RQ_QUEUES``: django-rq's connection settings by queue name, in the order written."""
    configs: Mapping[str, Mapping[str, Any]] = getattr(settings, "RQ_QUEUES", {})
    return configs


def site_language() -> str:
    """``settings.LANGUAGE_CODE``: what is told in when nobody asked for it in a language of theirs."""
    language: str = settings.LANGUAGE_CODE
    return language


def admin_addresses() -> tuple[str, ...]:
    """Mail addresses of ``settings.ADMINS``, which Django writes as pairs of name and address."""
    given = getattr(settings, "ADMINS", ())
    return tuple(each if isinstance(each, str) else str(each[1]) for each in given)
