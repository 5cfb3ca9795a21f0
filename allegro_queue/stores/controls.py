"""Words sent to running masters: the dashboard and the commands talk to them through Redis alone."""

from __future__ import annotations

from enum import StrEnum

from redis import Redis

from allegro_queue.stores.keys import Keys

CONTROL_LIFE = 60
"""Seconds after which a word that nobody took is forgotten."""


class Control(StrEnum):
    """What a master can be told."""

    PAUSE = "pause"
    CONTINUE = "continue"
    RESTART = "restart"
    TERMINATE = "terminate"


class ControlStore:
    """Sends and takes control words."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def send(self, master: str, control: Control) -> None:
        """Leave a word for a master; it looks each second."""
        with self._client.pipeline() as pipeline:
            pipeline.rpush(self._keys.controls(master), control.value)
            pipeline.expire(self._keys.controls(master), CONTROL_LIFE)
            pipeline.execute()

    def take(self, master: str) -> list[Control]:
        """All words for this master, oldest first; they are gone then."""
        with self._client.pipeline() as pipeline:
            pipeline.lrange(self._keys.controls(master), 0, -1)
            pipeline.delete(self._keys.controls(master))
            words = pipeline.execute()[0]
        known = {each.value for each in Control}
        return [Control(word.decode()) for word in words if word.decode() in known]
