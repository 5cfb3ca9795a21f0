"""A worker's sign of life: a thread writes its record each few seconds, also while a job holds the main thread."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Self

from redis.exceptions import RedisError

from allegro_queue.stores.workers import WorkerRecord, WorkerStore

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
LEASE_SECONDS = 30.0
SETTLE_SECONDS = 0.25
"""Least time between two writes, so that a stream of short jobs does not turn into a stream of records."""

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Heartbeat:
    """Writes ``record()`` at each beat and soon after each change.

    The store must have a client of its own, since this runs beside the main thread.
    """

    def __init__(
        self,
        store: WorkerStore,
        record: Callable[[], WorkerRecord],
        extend_lease: Callable[[], None],
        send_notes: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._record = record
        self._extend_lease = extend_lease
        self._send_notes = send_notes
        self._lease_due = time.monotonic() + LEASE_SECONDS
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._changed.set()
        self._thread.join(timeout=2)

    def changed(self) -> None:
        """The record says something new: write it soon."""
        if not self._changed.is_set():
            self._changed.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._changed.clear()
            try:
                self._store.write(replace(self._record(), beat_at=time.time(), memory_bytes=memory_bytes()))
                self._send_notes()
                if time.monotonic() > self._lease_due:
                    self._lease_due = time.monotonic() + LEASE_SECONDS
                    self._extend_lease()
            except RedisError as error:
                log.debug("heartbeat not written: %s", error)
            if self._ended.wait(SETTLE_SECONDS):
                return
            self._changed.wait(BEAT_SECONDS)


def memory_bytes() -> int:
    """Resident memory of this process; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * PAGE_BYTES
    except OSError:
        return 0
