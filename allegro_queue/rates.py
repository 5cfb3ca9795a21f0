"""How often something may be done: spelled as ``30/m``, kept as two numbers. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SHAPE = re.compile(r"(\d{1,9})/(\d{0,7})([smhd])")
LONGEST_PERIOD = 366 * 86_400
MOST_RUNS = 1_000_000_000
RIGHT = 'it must be like "30/m" (30 a minute; also s, h, d, and "5/10s"), or Rate(30, 60)'


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``runs`` in each period of ``seconds``.

    Raises:
        ValueError: a number is out of its bounds; says which.
    """

    runs: int
    seconds: int

    key: str = ""
    """Name of what is counted, shared by every job that gives the same; empty: by what it was declared for."""

    def __post_init__(self) -> None:
        for field, value, most in (("runs", self.runs, MOST_RUNS), ("seconds", self.seconds, LONGEST_PERIOD)):
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                raise ValueError(f"Rate has {field} = {value!r}; it must be a whole number from 1 to {most:,}.")
        if not isinstance(self.key, str):
            raise ValueError(f"Rate has key = {self.key!r}; it must be text.")


def rate_from(given: Any) -> Rate:
    """``30/m`` or a ``Rate`` as a value.

    Raises:
        ValueError: it is neither; says what would be right.
    """
    if isinstance(given, Rate):
        return given
    match = SHAPE.fullmatch(given.strip()) if isinstance(given, str) else None
    if match is None:
        raise ValueError(f"{RIGHT}.")
    return Rate(int(match[1]), int(match[2] or 1) * PERIODS[match[3]])
