"""Jobs that tests put into batches, and what follows them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from allegro_queue.batches import current_batch
from allegro_queue.jobs import job
from tests.support.jobs import note


def work(path: str, word: str) -> None:
    """Note a word."""
    note(path, word)


def fail_unless(path: str) -> None:
    """Succeed once this file exists."""
    if not Path(path).exists():
        raise ValueError("not yet")


def note_batch(path: str, word: str) -> None:
    """Note a word, and of which batch it is."""
    batch = current_batch()
    note(path, f"{word} {batch.id if batch else 'none'}")


def add_more(path: str, count: int) -> None:
    """Add jobs to its own batch, in a chain: the last of them adds none."""
    note(path, "more")
    batch = current_batch()
    assert batch is not None
    if count:
        batch.add(add_more, path, count - 1)


def cancel_own(path: str) -> None:
    """Cancel its own batch, and finish."""
    batch = current_batch()
    assert batch is not None
    note(path, f"cancelled {batch.cancel(by='itself')} {batch.is_cancelled}")


def enter(path: str, word: str, seconds: float) -> None:
    """Note a word with one write that no other process can split, after a while."""
    time.sleep(seconds)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{word}\n".encode())
    os.close(file)


@job(unique=True)
def only_once() -> None:
    """Declared unique."""
