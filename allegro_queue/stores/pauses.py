"""Which queues are paused, by whom, why and until when. Workers look at this in the same step that takes a job."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from redis import Redis

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.other_versions import known
from allegro_queue.stores.replies import Reply

ALL_QUEUES = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """One queue (or ``*``, all of them) that hands out no job."""

    queue: str
    since: float
    until: float | None = None
    """Unix time at which it resumes by itself; ``None``: until somebody resumes it."""
    by: str = ""
    reason: str = ""


class PauseStore:
    """Pauses and resumes queues."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def pause(self, pause: Pause) -> None:
        """Jobs already running finish; new ones pile up."""
        self._client.hset(self._keys.paused, pause.queue, json.dumps(asdict(pause)))

    def resume(self, queue: str) -> bool:
        """Whether the queue was paused."""
        return bool(self._client.hdel(self._keys.paused, queue))

    def resume_all(self) -> int:
        """Lift every pause; how many there were."""
        with self._client.pipeline() as pipeline:
            pipeline.hlen(self._keys.paused)
            pipeline.delete(self._keys.paused)
            return int(pipeline.execute()[0])

    def prune(self, now: float) -> None:
        """Forget pauses that are over."""
        for queue in self._over(now):
            self._client.hdel(self._keys.paused, queue)

    def _over(self, now: float) -> list[str]:
        found = [read_pause(each) for each in self._client.hgetall(self._keys.paused).values()]
        return [each.queue for each in found if each.until is not None and each.until <= now]

    def current(self, now: float) -> dict[str, Pause]:
        """Pauses that hold now, by queue."""
        found = [read_pause(each) for each in self._client.hgetall(self._keys.paused).values()]
        return {each.queue: each for each in found if each.until is None or each.until > now}


def read_pause(written: Reply) -> Pause:
    """A pause from its JSON, whichever version wrote it."""
    return Pause(**known(Pause, json.loads(written)))
