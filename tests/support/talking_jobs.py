"""Jobs that say how far they are, and log."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from allegro_queue.job_notes import report_progress
from tests.support.jobs import note

log = logging.getLogger("shop.sync")


def talk(count: int = 3) -> None:
    """Log so many lines, and as much progress."""
    for number in range(count):
        log.info("line %d", number)
        report_progress(number + 1, count, f"member {number}")


def talk_of_secrets() -> None:
    log.warning("token=abcdefgh12345 for ada@example.com")
    report_progress(1, note="password: hunter2hunter2")


def talk_and_fail() -> None:
    log.info("before")
    report_progress(3, 10)
    raise ValueError("as asked")


def talk_and_die() -> None:
    log.info("last words")
    os._exit(3)


def talk_until(path: str, release: str) -> None:
    """Talk once, and run until the file ``release`` exists."""
    report_progress(1, 4, "waiting")
    log.info("waiting")
    note(path, "said")
    while not Path(release).exists():
        time.sleep(0.02)


def talk_a_lot(lines: int, size: int) -> None:
    for number in range(lines):
        log.info("%d %s", number, "ä" * size)


def talk_in_threads_without_end() -> str:
    """Return a long text while a thread still talks."""

    def go_on() -> None:
        while True:
            log.info("on and on")

    threading.Thread(target=go_on, daemon=True).start()
    time.sleep(0.1)
    return "x" * 3_000_000


def talk_past_its_limit() -> None:
    """Not for ever: whoever runs this in its own process keeps each line."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        log.info("still here")


def log_wrongly() -> None:
    log.info("%d members", "many")
