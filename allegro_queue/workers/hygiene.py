"""Django's state around each job: no job sees what the last one left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.utils import timezone, translation

FRESH_SECONDS = 1.0
"""How long the state after one job is taken to be the state before the next: nothing but jobs changes it, and only a
long rest makes a database connection too old."""

_restored_at = -FRESH_SECONDS


@contextmanager
def clean_state() -> Iterator[None]:
    """Old database connections closed, query log, language and time zone reset, before and after."""
    if time.monotonic() - _restored_at >= FRESH_SECONDS:
        restore()
    try:
        yield
    finally:
        restore()


def restore() -> None:
    """Put Django's per-thread state back to what a fresh process has."""
    global _restored_at
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()
        connection.close_if_unusable_or_obsolete()
    translation.deactivate()
    timezone.deactivate()
    _restored_at = time.monotonic()
