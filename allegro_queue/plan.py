"""Settings and environment, checked and frozen: what each supervisor is to do. Pure; knows no process and no Redis."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from allegro_queue.backoff import Backoff, backoff_from
from allegro_queue.conf import HorizonSettings, snake_case
from allegro_queue.errors import InvalidConfiguration, did_you_mean
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
WHOLE_NUMBERS = frozenset(
    {
        "min_processes",
        "max_processes",
        "scale_down_after",
        "balance_max_shift",
        "balance_cooldown",
        "tries",
        "timeout",
        "grace",
    }
)
NUMBERS_FROM_NOUGHT = frozenset({"max_jobs", "max_time", "memory"})
LARGEST_NUMBER = 2**31 - 1
SPELLED: Mapping[str, Callable[[Any], Any]] = {"backoff": backoff_from, "rate_limit": rate_from}
"""Options that are written in more than one way: how each becomes its value."""
BALANCES = ("simple", "auto")
STRATEGIES = ("time", "size")


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
    def notice(self) -> str:
        """Why no worker is started, in words; empty when workers run."""
        if self.connection == "redis":
            return ""
        return (
            f"QUEUE_CONNECTION is {self.connection!r}, so Horizon starts no worker and jobs pile up unprocessed. "
            "Set QUEUE_CONNECTION=redis to have them run."
        )


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


def problems_in(settings: HorizonSettings, known_queues: Collection[str]) -> Iterator[str]:
    """Every fault of the supervisors' settings, each a sentence: where it is, what was found, what would be right."""
    if settings.environments and settings.environment not in settings.environments:
        yield (
            f"HORIZON has no environment {settings.environment!r} (from APP_ENV)"
            f"{did_you_mean(settings.environment, settings.environments)}"
        )
    layers = [("defaults", settings.defaults)]
    layers += [(f"environments.{name}", given) for name, given in settings.environments.items()]
    shapes_fit = True
    for where, supervisors in layers:
        if not isinstance(supervisors, Mapping) or not all(isinstance(each, Mapping) for each in supervisors.values()):
            shapes_fit = False
            yield f"HORIZON {where} must be a dict of supervisors, each a dict of options; found {supervisors!r}."
            continue
        for name, given in supervisors.items():
            yield from problems_of_options(f"HORIZON {where} supervisor {name!r}", given, known_queues)
    yield from problems_of_queues(settings.queues, known_queues)
    if not shapes_fit:
        return
    if not merged(settings):
        yield "HORIZON names no supervisor; give 'defaults' at least one, with its 'queue' list."
    for name, given in merged(settings).items():
        yield from problems_of_merged(f"HORIZON supervisor {name!r}", given)
        yield from problems_of_shares(f"HORIZON supervisor {name!r}", given, settings.queues)


def problems_of_options(where: str, given: Mapping[str, Any], known_queues: Collection[str]) -> Iterator[str]:
    """Faults of one layer of one supervisor."""
    for written, value in given.items():
        key = snake_case(str(written))
        if key not in OPTION_NAMES:
            yield f"{where} has an unknown key {written!r}{did_you_mean(key, OPTION_NAMES)}"
        elif key in WHOLE_NUMBERS:
            yield from problems_of_number(where, str(written), value, least=1)
        elif key in NUMBERS_FROM_NOUGHT:
            yield from problems_of_number(where, str(written), value, least=0)
        elif key in SPELLED or key == "isolate":
            yield from problems_of_terms(where, str(written), key, value)
        elif key == "balance" and value is not False and value not in BALANCES:
            yield f"{where} has balance = {value!r}; it must be False (strict order, one pool), 'simple' or 'auto'."
        elif key == "auto_scaling_strategy" and value not in STRATEGIES:
            yield f"{where} has {written} = {value!r}; it must be 'time' or 'size'."
        elif key == "queue":
            yield from problems_of_queue(where, value, known_queues)


def problems_of_number(where: str, written: str, value: Any, *, least: int) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        yield f"{where} has {written} = {value!r}; it must be a whole number from {least} up."
    elif value > LARGEST_NUMBER:
        yield f"{where} has {written} = {value!r}; it must be at most {LARGEST_NUMBER:,}."


def problems_of_terms(where: str, written: str, key: str, value: Any) -> Iterator[str]:
    """Faults of what a supervisor or a queue says of how its jobs run. ``None`` says nothing."""
    if value is None:
        return
    if key == "isolate":
        if not isinstance(value, bool):
            yield f"{where} has {written} = {value!r}; it must be True or False."
        return
    try:
        SPELLED[key](value)
    except ValueError as error:
        yield f"{where} has {written} = {value!r}; {error}"


def problems_of_queues(given: Mapping[str, Any], known_queues: Collection[str]) -> Iterator[str]:
    """Faults of ``HORIZON["queues"]``."""
    for name, options in given.items():
        where = f"HORIZON queues {name!r}"
        if name not in known_queues:
            yield f"{where} is no queue that RQ_QUEUES has{did_you_mean(str(name), known_queues)}"
        if not isinstance(options, Mapping):
            yield f"{where} is {options!r}; it must be a dict of options."
            continue
        for written, value in options.items():
            key = snake_case(str(written))
            if key not in QUEUE_OPTION_NAMES:
                yield f"{where} has an unknown key {written!r}{did_you_mean(key, QUEUE_OPTION_NAMES)}"
            elif key in WHOLE_NUMBERS:
                yield from problems_of_number(where, str(written), value, least=1)
            else:
                yield from problems_of_terms(where, str(written), key, value)


def problems_of_shares(where: str, given: Mapping[str, Any], queues: Mapping[str, Any]) -> Iterator[str]:
    """Whether a balanced queue's limit leaves room for the fewest workers that its supervisor keeps for each."""
    fewest, served = given.get("min_processes", 1), given.get("queue", ())
    if given.get("balance", False) not in BALANCES or not isinstance(fewest, int):
        return
    for name in queue_names(served) if isinstance(served, str | list | tuple) else ():
        options = queues.get(name, {})
        if not isinstance(options, Mapping):
            continue
        limits = [value for key, value in options.items() if snake_case(str(key)) == "max_processes"]
        if limits and isinstance(limits[0], int) and 0 < limits[0] < fewest:
            yield (
                f"HORIZON queues {name!r} has max_processes = {limits[0]}, but {where.removeprefix('HORIZON ')} keeps "
                f"min_processes = {fewest} for each queue; make it {fewest} or more."
            )


def problems_of_queue(where: str, value: Any, known_queues: Collection[str]) -> Iterator[str]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(each, str) and each for each in names):
        yield f"{where} has queue = {value!r}; it must be a list of queue names, highest priority first."
        return
    for name in names:
        if name not in known_queues:
            yield f"{where} serves the queue {name!r}, which RQ_QUEUES does not have{did_you_mean(name, known_queues)}"
    if len(set(names)) < len(names):
        yield f"{where} has queue = {value!r}; a queue is named twice."


def problems_of_merged(where: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Faults that only show once the layers are put together."""
    if not given.get("queue"):
        yield f"{where} names no queue; give it 'queue', a list with the highest priority first."
    timeout, grace = given.get("timeout", 60), given.get("grace")
    if isinstance(timeout, int) and isinstance(grace, int) and 0 < grace < timeout:
        yield f"{where} has grace = {grace} below timeout = {timeout}; a deploy would kill healthy jobs. Make it larger."
    yield from problems_of_size(where, given)


def problems_of_size(where: str, given: Mapping[str, Any]) -> Iterator[str]:
    """Whether the fewest workers that are asked for fit into the most that are allowed."""
    fewest, most = given.get("min_processes", 1), given.get("max_processes", 1)
    if not (isinstance(fewest, int) and isinstance(most, int) and fewest > 0 and most > 0):
        return
    balance, queue = given.get("balance", False), given.get("queue", ())
    queues = queue_names(queue) if isinstance(queue, str | list | tuple) else ()
    if balance in BALANCES and fewest * len(queues) > most:
        yield (
            f"{where} has max_processes = {most} with balance = {balance!r}; its {len(queues)} queues need "
            f"min_processes = {fewest} each, so it must be {fewest * len(queues)} or more."
        )
    elif fewest > most:
        yield f"{where} has min_processes = {fewest} above max_processes = {most}; make it {most} or less."
