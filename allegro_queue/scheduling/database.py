"""Reads the entries that were made in admin, without ever waiting long: a database that hangs must hold up no entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Thread
from typing import Any

from django.db import connections

from allegro_queue.scheduling.declared import Declared, read_database, read_declared

Rows = Sequence[Mapping[str, Any]] | None

FIRST_PATIENCE = 2.0
"""Seconds that the first answer is waited for."""

PATIENCE = 0.1
"""Seconds that any later one is waited for; one that comes late is used the next time."""


class DatabaseWatch:
    """Asks the database in a thread of its own."""

    def __init__(self, read: Callable[[], Rows] = read_database) -> None:
        self._read = read
        self._thread: Thread | None = None
        self._patience = FIRST_PATIENCE
        self._rows: Rows = None

    def declared(self) -> Declared:
        """All entries. Those of a database that has not answered in time count as not known."""
        if self._thread is None:
            self._rows = None
            self._thread = Thread(target=self._ask, name="entries of the database", daemon=True)
            self._thread.start()
        self._thread.join(self._patience)
        self._patience = PATIENCE
        if self._thread.is_alive():
            return read_declared(None)
        self._thread = None
        return read_declared(self._rows)

    def _ask(self) -> None:
        try:
            self._rows = self._read()
        finally:
            # They belong to this thread, which ends.
            connections.close_all()
