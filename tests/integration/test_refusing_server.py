"""A Redis server that refuses: the caller hears which fault it is, and nothing is half-written."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from allegro_queue.connection import forget_client
from allegro_queue.dispatch import dispatch, dispatch_many
from allegro_queue.errors import QueueUnavailable
from allegro_queue.jobs import JobOptions
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.plugin import folder

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def configured(redis: Redis, **changes: Any) -> Iterator[None]:
    """The server's configuration, changed for a block."""
    names = {key: key.replace("_", "-") for key in changes}
    before = {key: redis.config_get(name)[name] for key, name in names.items()}
    for key, value in changes.items():
        redis.config_set(names[key], value)
    try:
        yield
    finally:
        for key, value in before.items():
            redis.config_set(names[key], value)


@contextmanager
def out_of_memory(redis: Redis) -> Iterator[None]:
    with configured(redis, maxmemory=1, maxmemory_policy="noeviction"):
        yield


@contextmanager
def too_few_replicas(redis: Redis) -> Iterator[None]:
    with configured(redis, min_replicas_to_write=1):
        yield


@contextmanager
def a_replica(redis: Redis) -> Iterator[None]:
    redis.replicaof("127.0.0.1", 1)
    try:
        yield
    finally:
        redis.replicaof("NO", "ONE")


@contextmanager
def disk_that_fails(redis: Redis) -> Iterator[None]:
    """A folder stands where the server wants to put its file."""
    place = folder / "dump.rdb"
    (place / "in the way").mkdir(parents=True)
    with configured(redis, save="3600 1", stop_writes_on_bgsave_error="yes"):
        try:
            redis.bgsave()
            eventually(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err")
            yield
        finally:
            shutil.rmtree(place)
            eventually(lambda: saves(redis), within=20)


def saves(redis: Redis) -> bool:
    """Whether the last save went well; asks for another one if not."""
    persistence = redis.info("persistence")
    if persistence["rdb_last_bgsave_status"] == "ok":
        return True
    if not persistence["rdb_bgsave_in_progress"]:
        redis.bgsave()
    return False


FAULTS = {
    "is out of memory": out_of_memory,
    "too few replicas follow it": too_few_replicas,
    "is a read-only replica": a_replica,
    "it cannot save to disk": disk_that_fails,
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_fault_is_named_and_nothing_is_written(redis: Redis, words: str):
    with FAULTS[words](redis):
        for options in (JobOptions(), JobOptions(unique=True)):
            with pytest.raises(QueueUnavailable, match=words) as raised:
                dispatch(jobs.nothing, options=options)
            assert "tests.support.jobs.nothing was not queued" in str(raised.value)
            assert not raised.value.may_be_queued
        with pytest.raises(QueueUnavailable, match=words):
            dispatch_many(jobs.add, [(1, 2), (3, 4)])
        assert redis.keys("*") == []

    assert dispatch(jobs.nothing).queued


@pytest.mark.parametrize("key", ["rq:queue:default", "rq:queues", "rq:scheduled:default"])
def test_a_key_of_another_type_is_found_before_anything_is_written(redis: Redis, key: str):
    redis.set(key, "not RQ's")

    with pytest.raises(QueueUnavailable, match="holds something else under a key of RQ's"):
        dispatch(jobs.nothing, options=JobOptions(unique=True))

    assert redis.keys("*") == [key.encode()]


def test_a_server_that_still_loads_its_data_is_named(settings: Any):
    with loading_server() as port:
        settings.RQ_QUEUES = {"default": {"HOST": "127.0.0.1", "PORT": port, "DB": 0, "SERIALIZER": "json"}}
        settings.HORIZON = {**settings.HORIZON, "defaults": {"one": {"queue": "default"}}, "environments": {}}
        forget_client()
        try:
            with pytest.raises(QueueUnavailable, match="is still loading its data") as raised:
                dispatch(jobs.nothing)
        finally:
            forget_client()

    assert not raised.value.may_be_queued


def test_a_server_that_is_away_is_named_with_its_address(redis_away: None):
    with pytest.raises(
        QueueUnavailable, match=r"unix:/nonexistent/redis\.sock did not answer.*was not queued"
    ) as raised:
        dispatch(jobs.nothing)

    assert not raised.value.may_be_queued


@contextmanager
def loading_server() -> Iterator[int]:
    """The port of a server that answers every command as one does that is loading its data."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while connection.recv(65536):
                    connection.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def test_an_error_in_the_script_itself_is_told_as_it_is(redis: Redis, monkeypatch: pytest.MonkeyPatch):
    def refuse(connection: Any, numbers: Any) -> Any:
        raise ResponseError("ERR as asked")

    monkeypatch.setattr("allegro_queue.stores.enqueue.exchange", refuse)

    with pytest.raises(QueueUnavailable, match=r"refused \(ERR as asked\)"):
        dispatch(jobs.nothing)
