"""Which made-up job comes next. Pure, but for the chance that is handed in."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from allegro.dev.demo_jobs import crash, dawdle, greet, reckon, stumble

Call = tuple[Callable[..., Any], tuple[Any, ...]]

SHARES: Mapping[Callable[..., Any], int] = {greet: 45, reckon: 35, dawdle: 10, stumble: 9, crash: 1}
"""How many of a hundred jobs are of each kind."""


def next_call(number: int, chance: random.Random) -> Call:
    """The function to queue next, and its arguments."""
    (function,) = chance.choices(list(SHARES), weights=list(SHARES.values()))
    if function is dawdle:
        return function, (round(chance.uniform(0.5, 4), 2),)
    if function is crash:
        return function, ()
    return function, (number,)
