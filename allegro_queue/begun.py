"""Memory that a worker shares with its parent: which attempt it has begun, and until when that may take.

The parent maps it before the fork. What is written there outlives the worker, and is read without asking it, so that a
worker that hangs or is dead still tells. A write is a store to memory: no system call, no round trip.
"""

from __future__ import annotations

import mmap

DEADLINE_BYTES = 8
ID_BYTES = 64


class Begun:
    """One worker's slot: written by the worker, read by its parent."""

    def __init__(self) -> None:
        # Anonymous and shared: a forked child has the same memory, and nobody else can open it.
        self._memory = mmap.mmap(-1, DEADLINE_BYTES + ID_BYTES)
        self._words = memoryview(self._memory)[:DEADLINE_BYTES].cast("d")

    def begin(self, execution_id: str) -> None:
        """The function of this attempt is called now; nothing that is done after this can be taken back.

        The id stays when the function has returned, until the next one begins: the attempt was begun all the same.
        """
        self._memory[DEADLINE_BYTES:] = execution_id.encode()[:ID_BYTES].ljust(ID_BYTES, b"\0")

    @property
    def execution_id(self) -> str:
        """The attempt that was begun last; empty when none ever was."""
        return self._memory[DEADLINE_BYTES:].rstrip(b"\0").decode(errors="replace")

    @property
    def deadline(self) -> float:
        """Monotonic time, which all processes of a host share, at which the running code must have ended; 0: never."""
        return self._words[0]

    @deadline.setter
    def deadline(self, moment: float) -> None:
        self._words[0] = moment
