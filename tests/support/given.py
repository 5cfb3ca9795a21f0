"""Entries given to schedulers in processes of their own, and the runs that these have queued."""

from __future__ import annotations

import json
from typing import Any

from redis import Redis

JOB = "tests.support.jobs.nothing"


def given(*entries: dict[str, Any]) -> dict[str, str]:
    """Environment of a scheduler with these entries."""
    schedule = [{"job": JOB, "queue": "default", **each} for each in entries]
    return {"DJANGO_SETTINGS_MODULE": "tests.support.given_schedule", "GIVEN_SCHEDULE": json.dumps(schedule)}


def queued(redis: Redis, start: str = "", queue: str = "default") -> list[str]:
    ids = [each.decode() for each in redis.lrange(f"rq:queue:{queue}", 0, -1)]
    return [each for each in ids if each.startswith(start)]


def ticks(redis: Redis, name: str) -> list[int]:
    """The times that an entry was queued for."""
    return [int(each.rpartition("-")[2]) for each in queued(redis, f"{name}-")]
