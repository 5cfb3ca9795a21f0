"""Fixtures only; what they are made of lives in ``tests/support``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from redis import Redis

from allegro_queue.connection import client, forget_client
from allegro_queue.stores import Stores, open_stores


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
