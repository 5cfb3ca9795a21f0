"""Django's state around each job: no job sees what the last one left behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, TypeVar

from django.db import connections
from django.db.backends.signals import connection_created
from django.utils import timezone, translation

Value = TypeVar("Value")

TIDY_SECONDS = 0.1
"""A job that begins sooner after the last one finds what was tidied then."""

_tidied_at = 0.0

_opened = True
"""Whether this process has opened a database connection; a worker begins by looking. Django's own look takes longer
than many a job."""


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
    if not _opened:
        return
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()
        connection.close_if_unusable_or_obsolete()


def forget_state() -> None:
    """Put language and time zone back to what a fresh process has; once, before the first job."""
    global _opened
    translation.deactivate()
    timezone.deactivate()
    _opened = bool(connections.all(initialized_only=True))


def note_opened(**kwargs: Any) -> None:
    """From here on there is something to tidy."""
    global _opened
    _opened = True


connection_created.connect(note_opened, dispatch_uid="allegro_queue.hygiene")
