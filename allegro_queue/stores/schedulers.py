"""Who leads among the schedulers, and how many stand by."""

from __future__ import annotations

import json
from dataclasses import asdict

from redis import Redis

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.scheduler_record import SCHEDULER_LIFE, Lead, SchedulerRecord, read_scheduler, who
from allegro_queue.stores.scripts import script

LEASE_SECONDS = 0.45
"""How long a leader leads past its last beat."""


class SchedulerStore:
    """Keeps the lease, and the record of whoever holds it."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._lead = client.register_script(script("lead"))
        self._step_down = client.register_script(script("step_down"))

    def lead(self, token: str, record: SchedulerRecord) -> Lead:
        """Beat, and lead if nobody else does."""
        leads, fence, seconds, microseconds = self._lead(
            keys=[self._keys.scheduler_lease, self._keys.scheduler_fence, self._keys.scheduler, self._keys.schedulers],
            args=[token, int(LEASE_SECONDS * 1000), json.dumps(asdict(record)), SCHEDULER_LIFE, who(record)],
        )
        return Lead(bool(leads), int(fence), int(seconds) + int(microseconds) / 1_000_000)

    def step_down(self, token: str, record: SchedulerRecord) -> None:
        """The scheduler has left; the next one may lead at once."""
        self._step_down(
            keys=[self._keys.scheduler_lease, self._keys.scheduler, self._keys.schedulers], args=[token, who(record)]
        )

    def leader(self) -> SchedulerRecord | None:
        """The scheduler that leads."""
        given = self._client.get(self._keys.scheduler)
        return read_scheduler(given) if given is not None else None

    def standing_by(self) -> int:
        """How many living schedulers there are beside the one that leads, whose beats keep this true."""
        return max(self._client.zcard(self._keys.schedulers) - 1, 0)
