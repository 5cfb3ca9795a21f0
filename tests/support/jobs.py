"""Jobs that tests dispatch."""

from __future__ import annotations

import time
from pathlib import Path

from redis import Redis

from allegro_queue.jobs import job


def nothing() -> None:
    """Succeeds at once."""


def add(left: int, right: int) -> int:
    return left + right


def fail(message: str = "as asked") -> None:
    raise ValueError(message)


@job(queue="high")
def urgent() -> None:
    """Declared for the queue ``high``."""


def note(path: str, word: str) -> None:
    """Append a word to a file, so that a test can see what ran and in which order."""
    with Path(path).open("a") as file:
        file.write(word + "\n")


def hold(path: str, release: str, word: str = "held") -> None:
    """Note that it runs, then run until the file ``release`` exists."""
    note(path, word)
    while not Path(release).exists():
        time.sleep(0.02)
    note(path, word + " ended")


def swallow_time_limit() -> None:
    """Never ends, and catches every ordinary exception."""
    while True:
        try:
            time.sleep(0.1)
        except Exception:
            continue


def touch_redis(url: str, key: str) -> None:
    """Set a key through a connection of its own."""
    Redis.from_url(url).set(key, "1")
