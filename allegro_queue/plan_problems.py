"""What is wrong with the settings of supervisors and queues, in words. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from allegro_queue.conf import HorizonSettings, snake_case
from allegro_queue.errors import did_you_mean
from allegro_queue.supervisor_options import OPTION_NAMES, QUEUE_OPTION_NAMES, SPELLED, merged, queue_names

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
BALANCES = ("simple", "auto")
STRATEGIES = ("time", "size")
SWITCHES = frozenset({"isolate", "force"})


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
        elif key in SPELLED or key in SWITCHES:
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
    if key in SWITCHES:
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
