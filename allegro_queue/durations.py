"""Durations as people write them: ``90``, ``30s``, ``15m``, ``2h``, ``1d``. Pure."""

from __future__ import annotations

import re

from allegro_queue.errors import HorizonError

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
SHAPE = re.compile(r"(\d+)([smhd]?)")


class InvalidDuration(HorizonError):
    """Text that is not a duration."""


def seconds_in(text: str) -> int:
    """Seconds that a text stands for.

    Raises:
        InvalidDuration: it is not a whole number with ``s``, ``m``, ``h`` or ``d`` behind it, or it is nought.
    """
    match = SHAPE.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise InvalidDuration(f"{text!r} is not a duration; write 90, 30s, 15m, 2h or 1d.")
    return int(match[1]) * SECONDS[match[2]]
