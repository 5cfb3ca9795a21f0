"""Fixtures only; what they are made of lives in ``tests/support``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings
from pytest_django import DjangoDbBlocker
from redis import Redis

from allegro_queue.connection import client, forget_client
from allegro_queue.stores import Stores, open_stores
from tests.support.as_found import process_left_as_found
from tests.support.flushed import put_back_when_flushed, rows_of_all_models
from tests.support.migrated import migrated_copy
from tests.support.needed import needed
from tests.support.plugin import folder
from tests.support.postgres import programs


@pytest.fixture(autouse=True)
def the_process_as_found() -> Iterator[None]:
    """A worker that runs in this process installs its handlers for good: the next Ctrl-C would be the worker's."""
    with process_left_as_found():
        yield


@pytest.fixture(autouse=True, scope="session")
def cheap_passwords() -> Iterator[None]:
    """Django's own hash takes a fifth of a second on purpose, for each account that a test makes."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def redis() -> Iterator[Redis]:
    """The run's own server, emptied before the test: it was started by this run, so nobody's data is there."""
    assert "allegro-tests-" in os.environ["REDIS_URL"]
    connection = client()
    connection.flushall()
    yield connection
    forget_client()


@pytest.fixture
def stores(redis: Redis) -> Stores:
    """Every store over the run's own server."""
    return open_stores(redis)


@pytest.fixture
def redis_goes_away(settings: Any) -> Callable[[], AbstractContextManager[None]]:
    """A context manager: in it, settings lead to a server that is not there; after it, the run's own server is there again."""

    @contextmanager
    def away() -> Iterator[None]:
        there = settings.RQ_QUEUES
        settings.RQ_QUEUES = {
            name: {"URL": "unix:///nonexistent/redis.sock", "SERIALIZER": config["SERIALIZER"]}
            for name, config in there.items()
        }
        forget_client()
        yield
        settings.RQ_QUEUES = there
        forget_client()

    return away


@pytest.fixture
def redis_away(redis_goes_away: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Settings that lead to a server that is not there."""
    with redis_goes_away():
        yield


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """An event that a dawdling server waits for; set when the test ends."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(scope="session")
def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs."""
    return needed(programs(), "PostgreSQL", "postgresql")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """A database in a file, as anywhere but in tests: one in memory answers "locked" where a file makes writers wait."""
    for connection in connections.all():
        if connection.vendor == "sqlite":
            file = folder / "test.sqlite3"
            migrated_copy(file)
            connection.settings_dict["TEST"]["NAME"] = str(file)


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The file above is to be used and not made anew; it goes with its folder."""
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database, whose flushes cost little."""
    with django_db_blocker.unblock():
        rows = rows_of_all_models()
    with put_back_when_flushed(rows):
        yield
