"""What a job is: the function's declared options, and RQ's ``Job`` with JSON in Redis and an allow-list in front."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.utils import as_text, decode_redis_hash

from allegro_queue.conf import horizon_settings
from allegro_queue.errors import InvalidJob, JobNotAllowed
from allegro_queue.terms import FIELD as TERMS_FIELD

Function = TypeVar("Function", bound=Callable[..., Any])

ATTEMPT_FIELD = "horizon_attempt"
"""The field of RQ's job hash that holds the number of the next attempt, once there was one: RQ does not count them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobOptions:
    """How a job is to be queued and run. What is ``None`` falls back to the queue's supervisor."""

    queue: str | None = None
    """Name of the queue; ``default`` when nobody says."""

    tries: int | None = None
    """Attempts in all, the first included."""

    timeout: int | None = None
    """Seconds that one attempt may run."""

    def over(self, weaker: JobOptions) -> JobOptions:
        """These options, with the gaps filled from weaker ones."""
        return JobOptions(
            queue=self.queue if self.queue is not None else weaker.queue,
            tries=self.tries if self.tries is not None else weaker.tries,
            timeout=self.timeout if self.timeout is not None else weaker.timeout,
        )


def job(
    *, queue: str | None = None, tries: int | None = None, timeout: int | None = None
) -> Callable[[Function], Function]:
    """Declare beside a function how its jobs are queued, so that no caller can send one elsewhere by accident.

    The function itself stays an ordinary function. Example::

        @job(queue="high", timeout=30)
        def send_magic_link(link_id: str) -> None: ...
    """
    options = JobOptions(queue=queue, tries=tries, timeout=timeout)

    def declare(function: Function) -> Function:
        function.horizon_options = options  # type: ignore[attr-defined]
        return function

    return declare


def declared_options(function: Callable[..., Any]) -> JobOptions:
    """What ``@job`` said of this function; nothing when it was not declared."""
    found = getattr(function, "horizon_options", None)
    return found if isinstance(found, JobOptions) else JobOptions()


def job_name(function: Callable[..., Any]) -> str:
    """Dotted path of a function: the unit of per-job metrics, and what the worker imports.

    Raises:
        InvalidJob: the function cannot be imported by a path (a lambda, a closure, a method of an object, ``__main__``).
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not module or not name or "<" in name or module == "__main__":
        raise InvalidJob(
            f"{function!r} cannot be queued: a worker could not import it. Give a function at a module's top level."
        )
    return f"{module}.{name}"


def is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    """Whether a dotted name stands under one of the prefixes; ``shop`` allows ``shop.jobs.pay`` but not ``shopping``."""
    return any(each == "*" or name == each or name.startswith(each.rstrip(".") + ".") for each in allowed)


class HorizonJob(Job):
    """RQ's job, with JSON as its serializer everywhere and a look at the allow-list before anything is imported."""

    terms_text = ""
    """What it asks for (``terms.Terms``), as it stands in its hash; empty for nothing."""

    attempt = 1
    """Number of the attempt that runs, or that comes next: 1 for the first."""

    def __init__(self, id: str | None = None, connection: Redis | None = None, serializer: Any = None) -> None:
        super().__init__(id=id, connection=connection, serializer=serializer or JSONSerializer)

    @property
    def func(self) -> Any:
        """The function; one that is loaded already is found without RQ's search, which a job makes twice."""
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
