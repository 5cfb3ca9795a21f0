"""The Redis client: one per process, with the library's own idea of time-outs and retries."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from django_rq.connection_utils import get_redis_connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import ConnectionError, TimeoutError
from redis.retry import Retry

from allegro_queue.conf import queue_configs
from allegro_queue.errors import InvalidConfiguration

SOCKET_SECONDS = 10
CONNECT_SECONDS = 5

PAGE_SECONDS = 2
"""How long a page waits for Redis before it says that there is no answer; the reader is waiting too."""

UNREACHABLE = (ConnectionError, TimeoutError)
"""What redis-py raises when the server does not answer (``LOADING`` counts as a connection error too)."""

_clients: dict[int, Redis] = {}
_page_clients: dict[int, Redis] = {}


def client() -> Redis:
    """The client of this process, made at the first call. A forked child gets one of its own.

    redis-py repeats a command by itself when a reply is lost, which doubles or drops jobs; that is switched off.

    Raises:
        InvalidConfiguration: ``RQ_QUEUES`` names no queue.
    """
    mine = _clients.get(os.getpid())
    if mine is None:
        _clients.clear()
        mine = _clients[os.getpid()] = new_client()
    return mine


def page_client() -> Redis:
    """The client of this process for reading pages: as ``client()``, with ``PAGE_SECONDS`` of patience."""
    mine = _page_clients.get(os.getpid())
    if mine is None:
        _page_clients.clear()
        mine = _page_clients[os.getpid()] = new_client()
        options: dict[str, Any] = mine.connection_pool.connection_kwargs
        options["socket_timeout"] = options["socket_connect_timeout"] = PAGE_SECONDS
    return mine


def new_client() -> Redis:
    """A client of its own pool, for a thread or process that must not share."""
    configs = queue_configs()
    if not configs:
        raise InvalidConfiguration(["RQ_QUEUES names no queue; give it at least one, with its Redis connection."])
    made = get_redis_connection(dict(next(iter(configs.values()))))
    options: dict[str, Any] = made.connection_pool.connection_kwargs
    options.setdefault("socket_timeout", SOCKET_SECONDS)
    if options["socket_timeout"] is None:
        options["socket_timeout"] = SOCKET_SECONDS
    if options.get("socket_connect_timeout") is None:
        options["socket_connect_timeout"] = CONNECT_SECONDS
    options.setdefault("driver_info", driver())
    options["retry"] = Retry(NoBackoff(), 0)
    options["retry_on_error"] = []
    made.set_retry(Retry(NoBackoff(), 0))
    return made


@cache
def driver() -> DriverInfo:
    """What a connection tells the server of redis-py. Else each one reads redis-py's version from the disk, which also
    costs a worker more than a mebibyte of memory of its own."""
    return DriverInfo()


def forget_client() -> None:
    """Drop this process's clients, so that the next call makes new ones (after a fork, or when settings changed)."""
    for clients in (_clients, _page_clients):
        mine = clients.pop(os.getpid(), None)
        if mine is not None:
            mine.close()


def address(of: Redis) -> str:
    """Where a client connects to, for messages; never with a password."""
    options = of.connection_pool.connection_kwargs
    if path := options.get("path"):
        return f"unix:{path}"
    return f"{options.get('host', 'sentinel')}:{options.get('port', '')}".rstrip(":")
