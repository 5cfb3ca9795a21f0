"""From ``REDIS_*`` variables to django-rq's ``RQ_QUEUES``."""

from __future__ import annotations

from typing import Any

from allegro.dev.place import redis_folder, redis_url
from allegro.env import ROOT, Environment

SERIALIZER = "rq.serializers.JSONSerializer"


REDIS_ADDRESSES = ("REDIS_SENTINELS", "REDIS_URL", "REDIS_HOST")
"""Variables that name a Redis server."""


def connection_from(env: Environment, *, local: bool) -> dict[str, Any]:
    """Connection settings of one Redis: Sentinel, a URL, or host and port, in this order.

    Args:
        local: whether ``manage.py dev`` may bring the server where none is named. Elsewhere that is a fault. What
            listens at 127.0.0.1:6379 is never guessed at: it may be another project's.
    """
    database = env.whole("REDIS_DB", 0)
    password = env.text("REDIS_PASSWORD") or None
    if sentinels := env.words("REDIS_SENTINELS", ""):
        return sentinel_connection(env, sentinels, database, password)
    if url := env.text("REDIS_URL"):
        if not url.startswith(("redis://", "rediss://", "unix://")):
            env.problems.append("REDIS_URL must start with redis://, rediss:// or unix://.")
        return {"URL": url, "DB": database}
    host = env.text("REDIS_HOST")
    if not host and local:
        return {"URL": redis_url(redis_folder(ROOT)), "DB": database}
    if not host:
        env.problems.append("REDIS_HOST is missing; set it (or REDIS_URL) to the Redis server that carries the jobs.")
    return {
        "HOST": host or "127.0.0.1",
        "PORT": env.whole("REDIS_PORT", 6379),
        "DB": database,
        "PASSWORD": password,
    }


def sentinel_connection(env: Environment, sentinels: list[str], database: int, password: str | None) -> dict[str, Any]:
    """Connection through Sentinel: ``REDIS_SENTINELS`` is ``host:port,host:port``."""
    pairs = []
    for each in sentinels:
        host, _, port = each.rpartition(":")
        if not host or not port.isdigit():
            env.problems.append(f"REDIS_SENTINELS has {each!r}; each must be host:port.")
            continue
        pairs.append((host, int(port)))
    name = env.text("REDIS_MASTER_NAME")
    if not name:
        env.problems.append(
            "REDIS_MASTER_NAME is missing; with REDIS_SENTINELS it names the master, such as 'mymaster'."
        )
    return {"SENTINELS": pairs, "MASTER_NAME": name, "DB": database, "PASSWORD": password, "SOCKET_TIMEOUT": 10}


def rq_queues(names: list[str], connection: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """``RQ_QUEUES``: every queue on the one connection, with JSON in Redis."""
    return {name: {**connection, "SERIALIZER": SERIALIZER} for name in names}
