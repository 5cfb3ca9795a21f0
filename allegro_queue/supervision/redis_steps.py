"""Steps that need Redis, taken so that a master goes on supervising while it is away."""

from __future__ import annotations

import logging
from collections.abc import Callable

from redis.exceptions import RedisError

log = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0
"""How long Redis is let alone when it did not answer: each try may take as long as the client is patient."""


class RedisSteps:
    """Knows whether Redis answered the last step, and when it is tried again."""

    def __init__(self, name: str) -> None:
        """``name`` is the master's, for the log."""
        self._name = name
        self.is_away = False
        self._due = 0.0

    def rests(self, now: float) -> bool:
        """Whether Redis is away and not to be tried yet."""
        return self.is_away and now < self._due

    def do(self, step: Callable[[], object], now: float) -> None:
        """Do a step; when Redis does not answer, say so once, and try again a second later."""
        if self.rests(now):
            return
        try:
            step()
        except RedisError as error:
            if not self.is_away:
                log.error("Redis did not answer (%s); horizon goes on and tries again each second", error)
            self.is_away = True
            self._due = now + AGAIN_SECONDS
        except Exception:
            # Whatever is wrong with one job or record, the children of this process must stay looked after.
            log.exception("horizon %s could not finish a step and goes on", self._name)
        else:
            if self.is_away:
                log.info("Redis answers again")
            self.is_away = False
