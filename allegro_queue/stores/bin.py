"""The bin: deleted jobs, kept whole for a day. ``BulkStore.act`` puts them there and brings them back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from allegro_queue.stores.bulk import BIN_SECONDS
from allegro_queue.stores.job_records import FIELDS, JobRow, read_row
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text, texts

READ_AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Binned:
    """A deleted job."""

    row: JobRow
    deleted_at: float
    state: str
    """RQ's word for what it was."""


class BinStore:
    """Reads the bin."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def page(self, offset: int, limit: int, now: float) -> tuple[list[Binned], int]:
        """Deleted jobs that can be restored, the last deleted first, and how many there are."""
        oldest = now - BIN_SECONDS
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrevrangebyscore(self._keys.bin, "+inf", oldest, start=offset, num=limit, withscores=True)
            pipeline.zcount(self._keys.bin, oldest, "+inf")
            found, total = pipeline.execute()
        ids = {text(member): float(score) for member, score in found}
        with self._client.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                pipeline.hmget(self._keys.bin_jobs + job_id, FIELDS)
                pipeline.hget(self._keys.bin_places, job_id)
            replies = pipeline.execute()
        binned = []
        for (job_id, at), values, place in zip(ids.items(), replies[::2], replies[1::2], strict=True):
            if place is not None and any(value is not None for value in values):
                was: Mapping[str, Any] = json.loads(place)
                binned.append(Binned(row=read_row(job_id, values), deleted_at=at, state=str(was["status"])))
        return binned, int(total)

    def deleted_by(self, run: int) -> Iterator[list[str]]:
        """What a run deleted and the bin still has, in the order in which it was deleted."""
        # From the last to the first: the bin drops its oldest meanwhile, which moves no place that is counted from the end.
        parts: list[list[str]] = []
        start = 0
        while ids := texts(self._client.zrevrange(self._keys.bin, start, start + READ_AT_ONCE - 1)):
            places: list[Any] = self._client.hmget(self._keys.bin_places, ids)
            pairs = zip(reversed(ids), reversed(places), strict=True)
            parts.append(
                [job_id for job_id, place in pairs if place is not None and json.loads(place).get("run") == run]
            )
            start += len(ids)
        yield from reversed(parts)
