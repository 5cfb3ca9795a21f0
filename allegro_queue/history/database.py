"""Which database history lives in, and its differences in dialect."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from allegro_queue.conf import horizon_settings


def alias() -> str:
    """Its name in ``DATABASES``."""
    return horizon_settings().database


def database() -> BaseDatabaseWrapper:
    """Its connection in this thread."""
    found: BaseDatabaseWrapper = connections[alias()]
    return found


def writing() -> AbstractContextManager[Any]:
    """One transaction on it, short: on SQLite nobody else can write meanwhile."""
    return transaction.atomic(using=alias())
