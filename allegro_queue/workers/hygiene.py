"""Django's state around each job: no job sees what the last one left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, reset_queries
from django.utils import timezone, translation


@contextmanager
def clean_state() -> Iterator[None]:
    """Old database connections closed, query log, language and time zone reset, before and after."""
    restore()
    try:
        yield
    finally:
        restore()


def restore() -> None:
    """Put Django's per-thread state back to what a fresh process has."""
    reset_queries()
    close_old_connections()
    translation.deactivate()
    timezone.deactivate()
