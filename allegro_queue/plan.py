"""Settings and environment, checked and frozen: what each supervisor is to do. Pure; knows no process and no Redis."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from allegro_queue.conf import HorizonSettings
from allegro_queue.errors import InvalidConfiguration
from allegro_queue.plan_problems import problems_in
from allegro_queue.supervisor_options import QueueOptions, SupervisorOptions, merged, options_from, queue_options
from allegro_queue.tellings import Telling, telling


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The supervisors to run. Empty when the connection carries no jobs."""

    environment: str
    connection: str
    supervisors: tuple[SupervisorOptions, ...]

    queues: Mapping[str, QueueOptions] = field(default_factory=dict)
    """What is said of single queues."""

    max_processes: int = 0
    """Worker processes at most, over all supervisors of all hosts; 0 for no limit."""

    @property
    def runs_workers(self) -> bool:
        return bool(self.supervisors)

    @property
    def why_idle(self) -> Telling | None:
        """Why no worker is started; ``None`` when workers run."""
        if self.connection == "redis":
            return None
        return telling(
            "QUEUE_CONNECTION is {connection}, so Horizon starts no worker and jobs pile up unprocessed. "
            "Set QUEUE_CONNECTION=redis to have them run.",
            connection=repr(self.connection),
        )

    @property
    def notice(self) -> str:
        """The same in English; empty when workers run."""
        return self.why_idle.english if self.why_idle else ""


def build_plan(settings: HorizonSettings, known_queues: Collection[str]) -> Plan:
    """Defaults merged with the environment's overrides by supervisor name; lists replace, never merge by index.

    Raises:
        InvalidConfiguration: with every fault of every supervisor at once.
    """
    problems = list(problems_in(settings, known_queues))
    if problems:
        raise InvalidConfiguration(problems)
    supervisors = tuple(
        options_from(name, given) for name, given in merged(settings).items() if settings.connection == "redis"
    )
    return Plan(
        environment=settings.environment,
        connection=settings.connection,
        supervisors=supervisors,
        queues={str(name): queue_options(settings, name) for name in settings.queues},
        max_processes=settings.max_processes,
    )
