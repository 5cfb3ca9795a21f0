"""A limit on the time that history's database may take, for those whose readers wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from allegro_queue.history.database import database

AGAIN = 0.25
"""Seconds between two tries to cut off what runs: a try between two statements finds nothing, and the next one begins."""


class OutOfTime(Exception):
    """The database took longer than it was given."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What the block asks of history's database is cut off when the time is up, be it at work or waiting for a lock.

    A thread looks at the clock, so that nothing is sent to the server as long as there is time: a limit of the server's own
    would take a transaction around each question. Without time at all nothing is asked.

    Raises:
        OutOfTime: the time was up.
    """
    if seconds <= 0:
        raise OutOfTime
    connection = database()
    clock = Clock(connection, seconds)
    try:
        with savepoint_on(connection), connection.execute_wrapper(clock.ask), clock.running():
            yield
    except OperationalError as error:
        if clock.is_up:
            raise OutOfTime from error
        raise


def savepoint_on(connection: BaseDatabaseWrapper) -> AbstractContextManager[Any]:
    """Inside a transaction PostgreSQL refuses all that follows a statement that was cut off, up to a savepoint."""
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        return transaction.atomic(using=connection.alias)
    return nullcontext()


class Clock:
    """The time of one block, and what happens when it is up."""

    def __init__(self, connection: BaseDatabaseWrapper, seconds: float) -> None:
        self.connection = connection
        self.until = time.monotonic() + seconds
        self.is_done = threading.Event()

    @property
    def is_up(self) -> bool:
        return time.monotonic() >= self.until

    def ask(self, execute: Callable[..., Any], *statement: Any) -> Any:
        """Run a statement, unless the time is up."""
        if self.is_up:
            raise OutOfTime
        return execute(*statement)

    @contextmanager
    def running(self) -> Iterator[None]:
        watch = threading.Thread(target=self.watch, name="history-time-limit", daemon=True)
        watch.start()
        try:
            yield
        finally:
            self.is_done.set()
            # So that nothing is cut off that runs after the block.
            watch.join()

    def watch(self) -> None:
        """Cut off what runs once the time is up, until the block is left."""
        wait = max(self.until - time.monotonic(), 0)
        while not self.is_done.wait(wait):
            cut_off(self.connection)
            wait = AGAIN


def cut_off(connection: BaseDatabaseWrapper) -> None:
    """End the statement that another thread runs on this connection; none may run."""
    driver = connection.connection
    if driver is None:
        return
    if connection.vendor == "sqlite":
        driver.interrupt()
    else:
        # psycopg's newer word for it is encrypted as the connection is.
        getattr(driver, "cancel_safe", driver.cancel)()
