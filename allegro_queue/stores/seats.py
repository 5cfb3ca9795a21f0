"""How many workers each master may have, when the settings limit those of all masters together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from redis import Redis

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.scripts import script

CLAIM_LIFE = 15
"""Seconds after which the room of a master that says nothing any more is free (it claims twice a second)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seats:
    """Numbers of workers: wanted, living, allowed, or the most there may be (0, or no number: no limit)."""

    total: int = 0
    queues: Mapping[str, int] = field(default_factory=dict)
    """Of those that serve one queue alone, by queue."""


class SeatStore:
    """Claims room for workers."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._claim = client.register_script(script("seats"))

    def claim(self, master: str, *, wanted: Seats, living: Seats, limits: Seats) -> Seats:
        """How many of the wanted workers this master may have now. To be asked again before ``CLAIM_LIFE`` is over."""
        answer = self._claim(
            keys=[self._keys.seats],
            args=[master, CLAIM_LIFE, *(json.dumps(asdict(each)) for each in (wanted, living, limits))],
        )
        given = json.loads(answer)
        # An empty table of Lua may come back as a list.
        return Seats(total=int(given["total"]), queues={name: int(n) for name, n in dict(given["queues"]).items()})

    def free(self, master: str) -> None:
        """The master has left."""
        self._client.hdel(self._keys.seats, master)
