"""The collector's loop: it holds the lease, looks, says how far behind it is, until it is told to leave."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError
from redis.exceptions import RedisError

from allegro_queue.connection import address
from allegro_queue.history.collected import Overtaken
from allegro_queue.history.collector import BATCH, Collector, Looked
from allegro_queue.history.database import database
from allegro_queue.history.pacing import REST, rest_after
from allegro_queue.history.runtimes import recent_runtimes
from allegro_queue.inbox import SignalInbox
from allegro_queue.stores import Stores
from allegro_queue.stores.collecting import CollectorRecord
from allegro_queue.tellings import Telling, telling

log = logging.getLogger(__name__)

BEAT = 1.0
LONGEST_PAUSE = 10.0
RUNTIMES_EVERY = 30.0
TRIM_EVERY = 5.0


class CollectorLoop:
    """Runs a collector while it has the lease; with another at work it waits for its turn."""

    def __init__(self, stores: Stores, make: Callable[[], Collector], inbox: SignalInbox, *, master: str = "") -> None:
        """``make`` gives a collector that knows how far the last one came; called when the lease was taken."""
        self._stores = stores
        self._make = make
        self._inbox = inbox
        self._master = master
        self._parent = os.getppid()
        self._token = secrets.token_hex(8)
        self._collector: Collector | None = None
        self._started_at = time.time()
        self._failures = 0
        self._trouble: Telling | None = None
        self._collected = 0
        self._since = 0.0
        self._per_second = 0.0
        self._is_more = False
        self._added = 0
        self._added_at = 0.0
        self._beat_due = self._runtimes_due = self._trim_due = 0.0

    def run(self, *, until_empty: bool = False) -> None:
        """Collect until told to leave (or, for a master's child, until its master is gone).

        Args:
            until_empty: leave as soon as nothing waits, or when another collects.
        """
        log.info("collector started pid=%d", os.getpid())
        pause = 0.0
        while not self._told_to_leave(pause):
            pause = self.step(time.time())
            if until_empty and not self._trouble and not self._is_more:
                break
        try:
            self._stores.collecting.let_go(self._token)
        except RedisError:
            log.info("Redis does not answer; the collector's lease ends by itself")

    def step(self, now: float) -> float:
        """One look; the seconds to wait until the next."""
        began = time.monotonic()
        try:
            looked = self._look(now)
        except Overtaken:
            log.warning("another collector has written; this one waits")
            self._collector = None
            self._is_more = False
            return REST
        except (RedisError, DatabaseError, InterfaceError) as error:
            return self._note_trouble(error, now)
        if self._trouble:
            log.info("the collector gets on again")
        self._failures, self._trouble = 0, None
        self._is_more = looked is not None and looked.read == BATCH
        return REST if looked is None else self._rest_after(looked, began)

    def _rest_after(self, looked: Looked, began: float) -> float:
        """How long to rest after a look that began then."""
        since, before = began - self._added_at, self._added
        self._added, self._added_at = looked.added, began
        return rest_after(
            is_whole=self._is_more,
            took=time.monotonic() - began,
            growth=(looked.added - before) / since if before and since > 0 else 0.0,
            behind=looked.behind,
            behind_seconds=looked.behind_seconds,
            # Half of what Redis keeps: what it drops before it is read is lost.
            room=self._stores.runs.kept // 2,
        )

    def _look(self, now: float) -> Looked | None:
        if now >= self._beat_due and not self._stores.collecting.hold(self._token):
            self._collector = None
            return None
        if self._collector is None:
            self._collector = self._make()
            self._since, self._collected = now, 0
        looked = self._collector.look(now)
        self._collected += looked.read
        if now >= self._beat_due:
            self._beat(looked, now)
            self._beat_due = now + BEAT
        if now >= self._trim_due:
            # Again at once while there is more to delete.
            self._trim_due = now + (0.0 if self._collector.trim(now) else TRIM_EVERY)
        if now >= self._runtimes_due:
            self._runtimes_due = now + RUNTIMES_EVERY
            self._stores.collecting.publish_runtimes(recent_runtimes(now))
        return looked

    def _beat(self, looked: Looked, now: float) -> None:
        if now - self._since >= 5:
            self._per_second = self._collected / (now - self._since)
            self._since, self._collected = now, 0
        self._stores.collecting.beat(
            CollectorRecord(
                host=socket.gethostname(),
                pid=os.getpid(),
                master=self._master,
                started_at=self._started_at,
                beat_at=now,
                behind=looked.behind,
                behind_seconds=looked.behind_seconds,
                per_second=self._per_second,
                trouble=self._trouble.english if self._trouble else "",
                trouble_said=self._trouble,
                collected=self._collector.writer.place.position if self._collector else "",
            )
        )

    def _note_trouble(self, error: Exception, now: float) -> float:
        """Say what is wrong, and wait longer each time."""
        self._failures += 1
        pause = min(2.0 ** (self._failures - 1) * REST, LONGEST_PAUSE)
        if isinstance(error, RedisError):
            self._trouble = telling("Redis at {address} did not answer", address=address(self._stores.client))
        else:
            self._trouble = telling("the database of history did not take a batch")
            # A connection that is broken is not mended; the next look opens another.
            database().close()
        log.error("%s (%s); nothing is collected. Next look in %.1f s.", self._trouble, error, pause)
        try:
            if not isinstance(error, RedisError) and self._stores.collecting.hold(self._token):
                self._beat(Looked(read=0, behind=0, behind_seconds=0.0), now)
        except RedisError:
            log.info("Redis does not answer either")
        return pause

    def _told_to_leave(self, pause: float) -> bool:
        if arrived := self._inbox.wait(pause):
            log.info("collector leaves: %s", arrived[0].name)
            return True
        if self._master and os.getppid() != self._parent:
            log.warning("collector leaves: its master has died")
            return True
        return False
