"""How many alerts fire, for the bar of every page; alerts themselves are in the database."""

from __future__ import annotations

from redis import Redis

from allegro_queue.stores.keys import Keys

FIRING_LIFE = 15
"""Seconds; three looks of the process that keeps the alerts."""


class AlertStore:
    """A copy of one number, with a short life. Where there is none, the database knows it."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def show(self, firing: int) -> None:
        """Have pages show that so many fire and are not muted."""
        self._client.set(self._keys.alerts_firing, firing, ex=FIRING_LIFE)

    def forget(self) -> None:
        """The number has changed: pages ask the database until the next look."""
        self._client.delete(self._keys.alerts_firing)
