"""A database for history that the settings do not name, in the test's own process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.utils import load_backend
from environ import Env

ALIAS = "elsewhere"


@contextmanager
def history_at(url: str, settings: Any) -> Iterator[None]:
    """History lives there meanwhile; ``url`` as ``DATABASE_URL`` has it."""
    given = {**connections.settings["default"], **Env.db_url_config(url)}
    connections[ALIAS] = load_backend(given["ENGINE"]).DatabaseWrapper(given, ALIAS)
    there = settings.HORIZON
    settings.HORIZON = {**there, "database": ALIAS}
    try:
        yield
    finally:
        settings.HORIZON = there
        connections[ALIAS].close()
        del connections[ALIAS]
