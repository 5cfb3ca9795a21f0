"""What is made once in a run, however many processes share the tests."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

from tests.support.plugin import shared


def once(name: str, make: Callable[[Path], None]) -> Path:
    """A file or folder that ``make`` puts where it is told; by whichever process asks first, while the others wait."""
    made = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = shared / f"{name}.unfinished"
            make(unfinished)
            unfinished.rename(made)
    return made
