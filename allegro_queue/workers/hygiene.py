"""Django's state around each job: no job sees what the last one left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

from django.db import connections
from django.utils import timezone, translation

Value = TypeVar("Value")

TIDY_SECONDS = 0.1
"""A job that begins sooner after the last one finds what was tidied then."""

_tidied_at = 0.0


def in_clean_state(function: Callable[..., Value], *args: Any) -> Value:
    """Call a function as if it were the first in a fresh process.

    Language, time zone and every other context variable are its own, since it runs in a context of its own. Database
    connections that are too old are closed and the query log is emptied, before and after.
    """
    global _tidied_at
    if time.monotonic() - _tidied_at > TIDY_SECONDS:
        tidy_connections()
    try:
        return copy_context().run(function, *args)
    finally:
        tidy_connections()
        _tidied_at = time.monotonic()


def tidy_connections() -> None:
    """Close what a request would not use again either, and forget the queries."""
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()
        connection.close_if_unusable_or_obsolete()


def forget_state() -> None:
    """Put language and time zone back to what a fresh process has; once, before the first job."""
    translation.deactivate()
    timezone.deactivate()
