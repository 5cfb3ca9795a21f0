"""Random ids of attempts, drawn from the system a block at a time: that takes longer than all else about them."""

from __future__ import annotations

import os

BYTES = 16
BLOCK = 256


class Tokens:
    """Random texts of 32 hexadecimal digits. A forked child must have an object of its own."""

    def __init__(self) -> None:
        self._left: list[str] = []

    def next(self) -> str:
        if not self._left:
            drawn = os.urandom(BYTES * BLOCK).hex()
            self._left = [drawn[place : place + 2 * BYTES] for place in range(0, len(drawn), 2 * BYTES)]
        return self._left.pop()
