"""What a master knows of the application's maintenance mode: the last answer, and whether that is still to be relied on."""

from __future__ import annotations

import logging

from allegro_queue.supervision.asking import SharedAnswer, in_words
from allegro_queue.supervision.pool import ProcessPool

log = logging.getLogger(__name__)

SILENT_SECONDS = 15.0
"""Seconds without an answer from which on this is told of, and who has asked so long is replaced: a fresh process has
fresh connections. Before the first answer, no worker is started for so long."""


class Maintenance:
    """Reads what the asking process was told. Never waits for it."""

    def __init__(self, asking: ProcessPool, answer: SharedAnswer) -> None:
        """``asking`` keeps the one process that asks, once it is scaled to that."""
        self.asking = asking
        self._answer = answer
        self._began_at: float | None = None
        self.silent_since: float | None = None
        """Monotonic time of the last answer when that is too old to be relied on; ``None`` while all is well."""

    def look(self, now: float) -> bool | None:
        """Whether the application is under maintenance; ``None`` while that is not known yet.

        The last answer holds for as long as there is no other. Before the first one, patience ends with a no.
        """
        if self._began_at is None:
            self._began_at = now
        heard_at = max(self._answer.answered_at, self._began_at)
        is_silent = now - heard_at >= SILENT_SECONDS
        self._note_silence(heard_at if is_silent else None)
        self._replace_hanging(now)
        if self._answer.is_on is None and is_silent:
            return False
        return self._answer.is_on

    def _note_silence(self, since: float | None) -> None:
        if since is not None and self.silent_since is None:
            log.warning(
                "HORIZON['maintenance'] has not answered for %d s; its last answer holds: %s",
                SILENT_SECONDS, in_words(self._answer.is_on),
            )  # fmt: skip
        elif since is None and self.silent_since is not None:
            log.info("HORIZON['maintenance'] answers: %s", in_words(self._answer.is_on))
        self.silent_since = since

    def _replace_hanging(self, now: float) -> None:
        """Kill who has asked for too long; the pool starts another."""
        if not self._answer.asked_at:
            return
        for child in list(self.asking.children):
            # The question may still be that of the one before.
            if now - max(self._answer.asked_at, child.started_at) >= SILENT_SECONDS:
                self.asking.kill(child.name, now)
