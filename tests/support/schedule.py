"""A schedule for tests: entries in the settings, and a scheduler over the run's own server."""

from __future__ import annotations

from typing import Any

from django_rq import get_scheduler
from redis import Redis

from allegro_queue.scheduling.entries import CronEntry
from allegro_queue.scheduling.scheduler import HorizonScheduler


def entry(name: str = "tick", **changes: Any) -> CronEntry:
    """An entry that is due every five minutes."""
    return CronEntry(
        **{"name": name, "cron": "*/5 * * * *", "job": "tests.support.jobs.nothing", "queue": "default"} | changes
    )


def scheduler_over(redis: Redis) -> HorizonScheduler:
    """The scheduler of the settings, as django-rq makes it."""
    scheduler = get_scheduler("default", connection=redis)
    assert isinstance(scheduler, HorizonScheduler)
    return scheduler


def everything_in(redis: Redis) -> list[bytes]:
    """Every value of every key, as bytes."""
    values: list[bytes] = []
    for key in redis.keys("*"):
        kind = redis.type(key)
        if kind == b"hash":
            values += redis.hgetall(key).values()
        elif kind == b"list":
            values += redis.lrange(key, 0, -1)
        elif kind == b"string":
            values.append(redis.get(key))
    return values
