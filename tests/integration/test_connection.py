"""The kept client: one a process, with time-outs, keep-alive, and no repeating behind the caller's back."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
from redis import Redis
from redis.connection import SSLConnection

from allegro_queue.connection import client, forget_client, new_client
from allegro_queue.dispatch import dispatch
from tests.support import jobs

ELSEWHERE = {
    "tcp": {"HOST": "127.0.0.1", "PORT": 6379, "DB": 0},
    "url": {"URL": "redis://127.0.0.1:6379/0"},
    "tls": {"URL": "rediss://127.0.0.1:6379/0"},
    "unix": {"URL": "unix:///somewhere/redis.sock"},
    "sentinel": {"SENTINELS": [("127.0.0.1", 26379)], "MASTER_NAME": "main", "DB": 0},
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_every_client_gives_up_in_time_and_repeats_nothing_by_itself(settings: Any, kind: str):
    settings.RQ_QUEUES = {"default": {**ELSEWHERE[kind], "SERIALIZER": "json"}}

    pool = new_client().connection_pool
    options = pool.connection_kwargs

    assert 5 <= options["socket_timeout"] <= 10
    assert 1 <= options["socket_connect_timeout"] <= 5
    assert options["retry"]._retries == 0
    assert options["retry_on_error"] == []
    connection = pool.make_connection()
    if kind != "unix":
        assert connection.socket_keepalive
    if kind == "tls":
        assert isinstance(connection, SSLConnection)


def test_a_connection_over_the_network_is_kept_alive_by_the_kernel(redis: Redis, settings: Any):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.RQ_QUEUES = {"default": {"HOST": "127.0.0.1", "PORT": listener.getsockname()[1], "DB": 0}}
        connection = new_client().connection_pool.make_connection()
        opened = connection._connect()
        try:
            assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 300
        finally:
            opened.close()


def test_a_process_keeps_one_client(redis: Redis):
    assert client() is client()


@pytest.mark.django_db(transaction=True)
def test_dispatching_again_and_again_opens_no_second_connection(redis: Redis):
    dispatch(jobs.nothing)
    before = redis.info("stats")["total_connections_received"]

    for _ in range(50):
        dispatch(jobs.nothing)

    assert redis.info("stats")["total_connections_received"] == before


@pytest.mark.django_db(transaction=True)
def test_a_forked_child_dispatches_over_a_connection_of_its_own(redis: Redis):
    dispatch(jobs.nothing)
    mine = redis.client_id()

    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            kept = client()
            said = f"{client() is kept} {kept is not redis} {kept.client_id()} {dispatch(jobs.nothing).queued}"
            os.write(write, said.encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    is_one, is_own, theirs, queued = os.read(read, 1000).decode().split()
    os.close(read)
    os.close(write)

    assert (is_one, is_own, queued) == ("True", "True", "True")
    assert int(theirs) != mine
    # The parent's connection has come through unharmed.
    assert redis.client_id() == mine
    assert redis.llen("rq:queue:default") == 2


def test_a_client_that_is_forgotten_is_made_anew(redis: Redis):
    before = client()

    forget_client()

    assert client() is not before
