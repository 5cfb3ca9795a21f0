"""What is copied when a job is run again as a new one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from allegro_queue.stores.job_records import dotted_path, plain, unpacked, whole_number
from allegro_queue.stores.jobs import is_job_id, job_key
from allegro_queue.stores.replies import text

LARGEST_CALL = 4_000_000
"""Bytes of a call that is read, unpacked."""

COPIED = (
    "description",
    "timeout",
    "result_ttl",
    "failure_ttl",
    "ttl",
    "meta",
    "retry_intervals",
    "enqueue_at_front_on_retry",
    "success_callback_name",
    "success_callback_timeout",
    "failure_callback_name",
    "failure_callback_timeout",
    "stopped_callback_name",
    "stopped_callback_timeout",
)
"""Fields of RQ's hash that a copy of a job has, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """What is copied when a job is run again as a new one."""

    name: str
    """The function's dotted path; empty when its call is not JSON."""
    args: list[Any]
    kwargs: dict[str, Any]
    queue: str
    data: bytes
    terms: str
    fields: Mapping[str, bytes]
    """Of RQ's hash, those that say how it is run."""
    tries: int
    """Attempts in all."""


class CopyStore:
    """Reads of one job what a copy of it needs."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def payload(self, job_id: str) -> Payload | None:
        """What a copy of a job needs; ``None`` when it is gone."""
        if not is_job_id(job_id):
            return None
        names = ("data", "origin", "horizon", "retries_left", "horizon_attempt", *COPIED)
        found: list[Any] = self._client.hmget(job_key(job_id), names)
        values = dict(zip(names, found, strict=True))
        if values["data"] is None or values["origin"] is None:
            return None
        name, args, kwargs = call_in(values["data"])
        tries = (whole_number(values["retries_left"]) or 0) + (whole_number(values["horizon_attempt"]) or 1)
        return Payload(
            name=name,
            args=args,
            kwargs=kwargs,
            queue=text(values["origin"]),
            data=values["data"],
            terms=plain(values["horizon"]),
            fields={name: values[name] for name in COPIED if values[name] is not None},
            tries=tries,
        )


def call_in(data: bytes) -> tuple[str, list[Any], dict[str, Any]]:
    """Name and arguments of a call. Only JSON is read; the name is empty for anything else."""
    raw, is_whole = unpacked(data, LARGEST_CALL)
    try:
        name, _instance, args, kwargs = json.loads(raw) if is_whole else ("", None, [], {})
        return dotted_path(name), list(args), dict(kwargs)
    except (ValueError, TypeError, RecursionError):
        return "", [], {}
