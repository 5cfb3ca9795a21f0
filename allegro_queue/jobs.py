"""What a job is: the function's declared options, and RQ's ``Job`` with JSON in Redis and an allow-list in front."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from redis import Redis
from redis.client import Pipeline
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.utils import as_text, decode_redis_hash

from allegro_queue.backoff import Backoff, backoff_from
from allegro_queue.conf import horizon_settings
from allegro_queue.errors import InvalidJob, JobNotAllowed
from allegro_queue.rates import Rate, rate_from
from allegro_queue.terms import FIELD as TERMS_FIELD

Function = TypeVar("Function", bound=Callable[..., Any])

ATTEMPT_FIELD = "horizon_attempt"
"""The field of RQ's job hash that holds the number of the next attempt, once there was one: RQ does not count them."""

REASON_FIELD = "horizon_reason"
"""The field of RQ's job hash that says in words why the job was scheduled by a worker. It counts while it is scheduled."""


UNIQUE_SECONDS = 86_400
"""Life of the lock of a unique job that names none: a day."""

LONGEST_LIFE = 366 * 86_400
SHORTEST_KEEP = 60
"""Seconds that a job is kept at least when it has ended: its hash is what makes a repeated dispatch harmless."""

Name = str | Callable[..., str]
"""A text in which ``{argument}`` stands for an argument of the call, or a function of the arguments."""

Tags = Sequence[str] | Callable[..., Iterable[str]]


class Declared(TypedDict, total=False):
    """What ``@job`` takes: the fields of ``JobOptions``."""

    queue: str
    tries: int
    timeout: int
    backoff: float | Sequence[float] | Backoff
    unique: bool | int
    unique_key: Name
    rate_limit: str | Rate | Literal[False]
    rate_key: Name
    without_overlapping: bool | int
    overlap_key: Name
    isolate: bool
    tags: Tags
    tenant: str
    keep_completed: int
    keep_failed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class JobOptions:
    """How a job is to be queued and run. What is ``None`` is left to whoever is weaker: the call is the strongest, then
    ``@job``, then the queue, then the supervisor that serves it.

    Raises:
        InvalidJob: an option is out of its bounds; says which, what was found, and what would be right.
    """

    queue: str | None = None
    """Name of the queue; ``default`` when nobody says."""

    tries: int | None = None
    """Attempts in all, the first included."""

    timeout: int | None = None
    """Seconds that one attempt may run."""

    backoff: float | Sequence[float] | Backoff | None = None
    """Pause before each further attempt: seconds, a list of seconds (the last counts for all that follow), or
    ``exponential(...)``."""

    unique: bool | int | None = None
    """While such a job waits or runs, no second one is queued. A number: seconds after which one is all the same."""

    unique_key: Name | None = None
    """What makes two jobs the same; the function and its arguments, unless said."""

    rate_limit: str | Rate | Literal[False] | None = None
    """How often jobs may start: ``30/m`` or ``Rate(30, 60)``. ``False``: as often as they like."""

    rate_key: Name | None = None
    """What is counted together; the function, unless said."""

    without_overlapping: bool | int | None = None
    """Only one such job runs at a time. A number: seconds after which the running one counts as gone."""

    overlap_key: Name | None = None
    """What only one job at a time may work on; the function, unless said."""

    isolate: bool | None = None
    """Run in a process of its own, forked for this job."""

    tags: Tags | None = None
    """Words to find the job by, such as ``member:{member_id}``, or a function of the arguments that gives them."""

    tenant: str | None = None
    """For whom the job acts; for whom the caller acts, unless said."""

    keep_completed: int | None = None
    """Seconds that the job stays listed when it has completed."""

    keep_failed: int | None = None
    """Seconds that the job stays listed when it has failed."""

    def __post_init__(self) -> None:
        problems = list(problems_in_options(self))
        if problems:
            raise InvalidJob("\n".join(problems))

    def over(self, weaker: JobOptions) -> JobOptions:
        """These options, with the gaps filled from weaker ones."""
        return JobOptions(
            **{name: getattr(weaker, name) if (mine := getattr(self, name)) is None else mine for name in OPTION_FIELDS}
        )


OPTION_FIELDS = tuple(each.name for each in fields(JobOptions))


def problems_in_options(options: JobOptions) -> Iterator[str]:
    """Every fault of a job's options, each a sentence."""
    for name in ("tries", "timeout"):
        yield from problems_of_number(name, getattr(options, name), 1, 2**31 - 1)
    for name in ("keep_completed", "keep_failed"):
        yield from problems_of_number(name, getattr(options, name), SHORTEST_KEEP, LONGEST_LIFE)
    for name in ("unique", "without_overlapping"):
        value = getattr(options, name)
        if not isinstance(value, bool):
            yield from problems_of_number(name, value, 1, LONGEST_LIFE, "True, False or a number of seconds")
    if options.backoff is not None:
        yield from problems_of_spelling("backoff", options.backoff, backoff_from)
    if options.rate_limit is not None and options.rate_limit is not False:
        yield from problems_of_spelling("rate_limit", options.rate_limit, rate_from)
    for name in ("unique_key", "rate_key", "overlap_key"):
        value = getattr(options, name)
        if value is not None and not callable(value) and not (isinstance(value, str) and value):
            yield f"A job has {name} = {value!r}; it must be text, or a function of the arguments that returns text."
    if options.isolate is not None and not isinstance(options.isolate, bool):
        yield f"A job has isolate = {options.isolate!r}; it must be True or False."
    for name in ("queue", "tenant"):
        value = getattr(options, name)
        if value is not None and not isinstance(value, str):
            yield f"A job has {name} = {value!r}; it must be text."
    tags = options.tags
    if tags is not None and not callable(tags) and not are_texts(tags):
        yield f"A job has tags = {tags!r}; it must be a list of texts, or a function of the arguments that gives one."


def are_texts(given: Any) -> bool:
    """Whether it is a list of texts, and not one text, which would count as a list of letters."""
    return isinstance(given, list | tuple) and all(isinstance(each, str) for each in given)


def problems_of_number(name: str, value: Any, least: int, most: int, kinds: str = "a whole number") -> Iterator[str]:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most):
        yield f"A job has {name} = {value!r}; it must be {kinds} from {least} to {most:,}."


def problems_of_spelling(name: str, value: Any, read: Callable[[Any], Any]) -> Iterator[str]:
    try:
        read(value)
    except ValueError as error:
        yield f"A job has {name} = {value!r}; {error}"


def job(**options: Unpack[Declared]) -> Callable[[Function], Function]:
    """Declare beside a function how its jobs are queued and run, so that no caller can do otherwise by accident.

    The options are those of ``JobOptions``. The function itself stays an ordinary function. Example::

        @job(queue="high", timeout=30, tries=3, backoff=[5, 30])
        def send_magic_link(link_id: str) -> None: ...

    Raises:
        InvalidJob: an option is out of its bounds.
    """
    declared = JobOptions(**options)

    def declare(function: Function) -> Function:
        function.horizon_options = declared  # type: ignore[attr-defined]
        return function

    return declare


def declared_options(function: Callable[..., Any]) -> JobOptions:
    """What ``@job`` said of this function; nothing when it was not declared."""
    found = getattr(function, "horizon_options", None)
    return found if isinstance(found, JobOptions) else JobOptions()


def job_name(function: Callable[..., Any]) -> str:
    """Dotted path of a function: the unit of per-job metrics, and what the worker imports.

    Raises:
        InvalidJob: the function cannot be imported by a path (a lambda, a closure, a method of an object, ``__main__``),
            or a call of it would run nothing (a generator).
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not module or not name or "<" in name or module == "__main__":
        raise InvalidJob(
            f"{function!r} cannot be queued: a worker could not import it. Give a function at a module's top level."
        )
    if not is_found(function, module, name):
        raise InvalidJob(
            f"{function!r} cannot be queued: a worker would find something else as {module}.{name}. "
            "Give a function at a module's top level, and an object's id as an argument instead of its method."
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidJob(
            f"{module}.{name} cannot be queued: it has a yield, so a call of it only makes a generator and runs nothing. "
            "Give a function that goes through it."
        )
    return f"{module}.{name}"


def is_found(function: Callable[..., Any], module: str, name: str) -> bool:
    """Whether its path leads to this function. A module that is not loaded under its name is taken at its word."""
    found: Any = sys.modules.get(module, function)
    if found is function:
        return True
    for part in name.split("."):
        found = getattr(found, part, None)
    return bool(found == function)


CARRY_ON = "allegro_queue.bulk.work.carry_on"
"""The library's own job that carries on a run over many jobs. It is given the number of a run that somebody with the
right has begun, and nothing else, so it needs no leave."""


@lru_cache(maxsize=1024)
def is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    """Whether a dotted name stands under one of the prefixes; ``shop`` allows ``shop.jobs.pay`` but not ``shopping``."""
    return name == CARRY_ON or any(
        each == "*" or name == each or name.startswith(each.rstrip(".") + ".") for each in allowed
    )


class HorizonJob(Job):
    """RQ's job, with JSON as its serializer everywhere and a look at the allow-list before anything is imported."""

    terms_text = ""
    """What it asks for (``terms.Terms``), as it stands in its hash; empty for nothing."""

    attempt = 1
    """Number of the attempt that runs, or that comes next: 1 for the first."""

    rest: int | None = None
    """Seconds before the attempt that follows a failure; ``None``: as RQ's own ``retry_intervals`` say."""

    def __init__(self, id: str | None = None, connection: Redis | None = None, serializer: Any = None) -> None:
        super().__init__(id=id, connection=connection, serializer=serializer or JSONSerializer)

    @property
    def func(self) -> Any:
        """The function; one that is loaded already is found without RQ's search."""
        if not self.instance:
            module, _, name = str(self.func_name).rpartition(".")
            found = getattr(sys.modules.get(module), name, None)
            if found is not None:
                return found
        return super().func

    def restore(self, raw_data: Any) -> Any:
        """Read RQ's fields, and ours."""
        super().restore(raw_data)
        found = decode_redis_hash(raw_data)
        self.terms_text = as_text(found.get(TERMS_FIELD) or b"")
        self.attempt = int(found.get(ATTEMPT_FIELD) or 1)

    def _execute(self) -> Any:
        """As RQ does, but looks for the function once."""
        function = self.func
        if not function:
            raise ValueError("Cannot execute job: function is None")
        result = function(*self.args, **self.kwargs)
        return asyncio.run(result) if result is not None and asyncio.iscoroutine(result) else result

    def get_retry_interval(self) -> int:
        """Seconds before the next attempt; 0 for at once."""
        return super().get_retry_interval() if self.rest is None else self.rest

    def set_status(self, status: JobStatus, pipeline: Pipeline | None = None) -> None:
        """As RQ does, but a retry is only written with the transaction that schedules it. RQ writes its status before, so
        that a worker that dies between the two leaves a job that is in no list."""
        if status == JobStatus.SCHEDULED and pipeline is None:
            self._status = status
        else:
            super().set_status(status, pipeline)

    def perform(self) -> Any:
        """Run the function.

        Raises:
            JobNotAllowed: its name is outside ``HORIZON["allowed_jobs"]``.
        """
        name = str(self.func_name)
        allowed = horizon_settings().allowed_jobs
        if not is_allowed(name, tuple(allowed)):
            raise JobNotAllowed(
                f"{name!r} is not under HORIZON['allowed_jobs'] ({', '.join(allowed)}), "
                "so it was not run. Add its package there (HORIZON_ALLOWED_JOBS) if it should."
            )
        return super().perform()
