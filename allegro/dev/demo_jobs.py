"""Made-up jobs, for looking at the dashboard: some succeed, some dawdle, some fail, a few crash their worker."""

from __future__ import annotations

import os
import random
import signal
import time

from django.conf import settings

from allegro_queue.jobs import job

PRODUCTION = "production"

FAULTS = (
    "the provider answered 503",
    "no member with this address",
    "the answer was not JSON",
)


class DemoFailure(Exception):
    """A made-up job that was meant to fail."""


class NotHere(Exception):
    """Made-up jobs were asked for in production."""


def refuse_in_production() -> None:
    """Raise ``NotHere`` where real people's jobs run."""
    if settings.APP_ENV == PRODUCTION:
        raise NotHere("Made-up jobs do not run where APP_ENV is 'production'.")


@job(queue="high")
def greet(number: int) -> str:
    """Succeeds at once."""
    refuse_in_production()
    return f"hello {number}"


@job(queue="default")
def reckon(number: int) -> int:
    """Succeeds after some tens of milliseconds."""
    refuse_in_production()
    time.sleep(random.uniform(0.01, 0.08))  # noqa: S311 - made up
    return number * number


@job(queue="audience-sync")
def dawdle(seconds: float) -> None:
    """Succeeds, late."""
    refuse_in_production()
    time.sleep(seconds)


@job(queue="default")
def stumble(number: int) -> None:
    """Fails."""
    refuse_in_production()
    raise DemoFailure(FAULTS[number % len(FAULTS)])


@job(queue="audience-sync")
def crash() -> None:
    """Kills the worker that runs it, as the system does when memory runs out."""
    refuse_in_production()
    os.kill(os.getpid(), signal.SIGKILL)
