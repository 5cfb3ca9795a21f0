"""How long a page waits for the database of history: its reader waits too, and a page without counts is better than none.

A page's reads together have so many seconds, and what only counts has a small share of them. The database stops a
statement that takes longer: PostgreSQL by ``statement_timeout``, SQLite by a look at the clock every few thousand steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from allegro_queue.history.database import alias, database

STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock; less than a millisecond's worth."""

CANCELLED = "57014"
"""PostgreSQL's code for a statement that ``statement_timeout`` ended."""

SHRUNK = 0.9
"""PostgreSQL is told anew when less than this share is left of what it was told; so a quick page tells it once."""


Found = TypeVar("Found")


class TookTooLong(Exception):
    """The database was stopped, since the reader would have waited too long."""


class Patience:
    """What is left of the time for one page."""

    def __init__(self, seconds: float, counting: float) -> None:
        self._until = time.monotonic() + seconds
        self._counting = counting
        self._told = math.inf
        self.left_out = False
        """Whether anything was left uncounted."""
        self.may_begin_anew = False
        """Whether the transaction is the page's own and has only read: then nothing is lost with it."""

    @property
    def left(self) -> float:
        return self._until - time.monotonic()

    @contextmanager
    def for_a_count(self) -> Iterator[None]:
        """All counts of a page share their seconds: when one used them up, the next one is not begun."""
        page_until, begun = self._until, time.monotonic()
        self._until = min(page_until, begun + self._counting)
        try:
            yield
        finally:
            self._counting -= time.monotonic() - begun
            self._until = page_until
            self._told = math.inf

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Execute one statement (a wrapper, as Django calls it)."""
        if not sql.lstrip("( ").startswith(("SELECT", "WITH")):
            # A savepoint must be given back whatever the time; and what was SET LOCAL since goes with it.
            self._told = math.inf
            self.may_begin_anew = False
            return execute(sql, params, many, context)
        left = self.left
        if left <= 0:
            raise TookTooLong
        if context["connection"].vendor == "postgresql" and not SHRUNK * self._told <= left <= self._told:
            limit(context["connection"], left)
            self._told = left
        with told_apart():
            return execute(sql, params, many, context)


def limit(connection: BaseDatabaseWrapper, seconds: float) -> None:
    """Have PostgreSQL stop what takes longer. Past the wrapper, and by a cursor of its own: the one at hand may be named."""
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {math.ceil(seconds * 1000)}")


@contextmanager
def told_apart() -> Iterator[None]:
    """That this module ended a statement is no fault of the database's. SQLite finds most rows while they are fetched, so
    it may be ended then, too."""
    try:
        yield
    except OperationalError as error:
        if was_stopped(error):
            raise TookTooLong from error
        raise


def was_stopped(error: OperationalError) -> bool:
    """Whether it was this module that ended the statement."""
    return getattr(error.__cause__, "sqlstate", "") == CANCELLED or str(error) == "interrupted"


_current: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def patience(seconds: float, *, counting: float) -> Iterator[Patience]:
    """Reads of history inside take so many seconds together, and those inside ``counted`` their share of them.

    Raises:
        TookTooLong: one of them would have taken longer.
    """
    mine = Patience(seconds, counting)
    connection = database()
    token = _current.set(mine)
    try:
        with told_apart(), stopping(connection, mine), connection.execute_wrapper(mine):
            yield mine
    finally:
        _current.reset(token)


@contextmanager
def stopping(connection: BaseDatabaseWrapper, mine: Patience) -> Iterator[None]:
    """The database can be stopped inside."""
    if not is_there(connection):
        # A page that asks nothing of it comes all the same; one that does has its own error.
        yield
        return
    if connection.vendor == "sqlite":
        connection.connection.set_progress_handler(lambda: mine.left <= 0, STEPS)
        try:
            yield
        finally:
            if connection.connection is not None:
                connection.connection.set_progress_handler(None, 0)
        return
    was_inside = connection.in_atomic_block
    mine.may_begin_anew = not was_inside
    # What is SET LOCAL ends with the transaction, so that no pooled connection keeps it.
    with transaction.atomic(using=alias()):
        yield
        if was_inside and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout TO DEFAULT")


def is_there(connection: BaseDatabaseWrapper) -> bool:
    """Whether the database can be reached."""
    try:
        connection.ensure_connection()
    except OperationalError:
        return False
    return True


def counted(read: Callable[[], Found]) -> Found | None:
    """What ``read`` finds; ``None`` when that takes longer than a page waits for counts."""
    mine = _current.get()
    if mine is None:
        return read()
    # A statement that was stopped spoils PostgreSQL's transaction, and none of SQLite's. A page that has only read goes on
    # in another one; else there is a place to go back to, which costs a trip. What went well is not released: one more.
    is_spoilt = database().vendor != "sqlite"
    place = transaction.savepoint(using=alias()) if is_spoilt and not mine.may_begin_anew else None
    try:
        with told_apart(), mine.for_a_count():
            return read()
    except TookTooLong:
        if place is not None:
            transaction.savepoint_rollback(place, using=alias())
        elif is_spoilt:
            # Whatever the count itself has begun goes as well. The driver begins the next one with the next statement.
            database().connection.rollback()
            mine.may_begin_anew = True
        mine.left_out = True
        return None
