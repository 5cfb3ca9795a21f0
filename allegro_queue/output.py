"""What a process prints; that it cannot (a full disk, a pipe that nobody reads) must stop nothing."""

from __future__ import annotations

import sys
from contextlib import suppress


def flush_output() -> None:
    """Write out what is printed and still held back, as far as that goes."""
    for stream in (sys.stdout, sys.stderr):
        # ValueError: it is closed.
        with suppress(OSError, ValueError):
            stream.flush()
