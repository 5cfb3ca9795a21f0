"""What a supervisor and a queue may be told, and how the layers of the settings come together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from allegro_queue.backoff import Backoff, backoff_from
from allegro_queue.conf import HorizonSettings, snake_case
from allegro_queue.rates import Rate, rate_from

Balance = Literal[False, "simple", "auto"]
Strategy = Literal["time", "size"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisorOptions:
    """What one supervisor is asked to do."""

    name: str

    queue: tuple[str, ...] = ("default",)
    """Queues in strict order: the first is drained before the second is looked at."""

    balance: Balance = False
    """Whether workers are split among queues. ``False``: one pool for all queues, in strict order. Else one pool a
    queue, and the order of queues means nothing: ``simple`` gives each the same number of workers, ``auto`` gives more
    where more work is."""

    min_processes: int = 1
    """Worker processes that are kept when there is nothing to do; with ``balance``, for each queue."""

    max_processes: int = 1
    """Worker processes at most, over all queues."""

    scale_down_after: int = 60
    """Seconds for which fewer workers must have been enough before the others leave. Only without ``balance``."""

    auto_scaling_strategy: Strategy = "time"
    """What ``balance = "auto"`` shares workers by: the ``time`` that the jobs of each queue will take, or their number
    (``size``)."""

    balance_max_shift: int = 1
    """How many workers ``balance = "auto"`` starts or ends per queue in one step."""

    balance_cooldown: int = 3
    """Seconds between two such steps."""

    force: bool = False
    """Whether its workers take jobs also while the application is under maintenance (``HORIZON["maintenance"]``)."""

    tries: int = 1
    """Attempts in all, the first included. (RQ's ``Retry`` counts only the repeats.)"""

    timeout: int = 60
    """Seconds that a job may run before it counts as timed out."""

    grace: int = 65
    """Seconds that a leaving worker may take to finish its job before it is killed; at least ``timeout``."""

    backoff: Backoff | None = None
    """Pause before a failed job is tried again: seconds, a list of seconds, or ``exponential(...)``."""

    isolate: bool = False
    """Whether each job runs in a process of its own, forked for it."""

    rate_limit: Rate | None = None
    """How often the jobs of this supervisor's queues may start, together, such as ``30/m``."""

    max_jobs: int = 0
    """Jobs after which a worker process is replaced by a fresh one; 0 for never."""

    max_time: int = 0
    """Seconds after which a worker process is replaced by a fresh one; 0 for never."""

    memory: int = 0
    """Megabytes (MiB) beyond which a worker process is replaced by a fresh one after its job; 0 for no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueOptions:
    """What the settings say of one queue; ``None`` leaves it to the supervisor that serves it."""

    tries: int | None = None
    """Attempts in all, the first included."""

    timeout: int | None = None
    """Seconds that a job may run before it counts as timed out."""

    backoff: Backoff | None = None
    """Pause before a failed job is tried again."""

    rate_limit: Rate | None = None
    """How often the jobs of this queue may start, together."""

    isolate: bool | None = None
    """Whether each job runs in a process of its own."""

    max_processes: int | None = None
    """Worker processes at most that serve this queue alone, where its supervisor balances."""


QUEUE_OPTION_NAMES = frozenset(each.name for each in fields(QueueOptions))

OPTION_NAMES = frozenset(each.name for each in fields(SupervisorOptions)) - {"name"}
SPELLED: Mapping[str, Callable[[Any], Any]] = {"backoff": backoff_from, "rate_limit": rate_from}
"""Options that are written in more than one way: how each becomes its value."""


def merged(settings: HorizonSettings) -> dict[str, dict[str, Any]]:
    """Options by supervisor name, keys in our spelling, the environment's over the defaults'."""
    overrides = settings.environments.get(settings.environment, {})
    names = dict.fromkeys([*settings.defaults, *overrides])
    return {
        name: {
            snake_case(str(key)): value
            for layer in (settings.defaults.get(name, {}), overrides.get(name, {}))
            for key, value in layer.items()
        }
        for name in names
    }


def options_from(name: str, given: Mapping[str, Any]) -> SupervisorOptions:
    """A checked dict of options as a value."""
    values = read_spellings(given)
    values["queue"] = queue_names(values.get("queue", ("default",)))
    values.setdefault("grace", values.get("timeout", 60) + 5)
    return SupervisorOptions(name=name, **values)


def queue_options(settings: HorizonSettings, queue: str) -> QueueOptions:
    """What checked settings say of one queue."""
    given = settings.queues.get(queue, {})
    return QueueOptions(**read_spellings({snake_case(str(key)): value for key, value in given.items()}))


def read_spellings(given: Mapping[str, Any]) -> dict[str, Any]:
    """A checked dict of options, with what is written in more than one way as its value."""
    return {key: SPELLED[key](value) if key in SPELLED and value is not None else value for key, value in given.items()}


def queue_names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def planned_queues(settings: HorizonSettings) -> tuple[str, ...]:
    """Every queue that some supervisor serves, in the order of priority, also where no worker is started."""
    return tuple(
        dict.fromkeys(name for given in merged(settings).values() for name in queue_names(given.get("queue", ())))
    )


def options_serving(settings: HorizonSettings, queue: str) -> SupervisorOptions:
    """Options of the first supervisor that serves a queue; the library's defaults if none does."""
    for name, given in merged(settings).items():
        if queue in queue_names(given.get("queue", ())):
            return options_from(name, given)
    return SupervisorOptions(name="none")
