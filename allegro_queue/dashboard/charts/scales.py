"""From values to pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from allegro_queue.dashboard.charts.parts import Value

ROUND_NUMBERS = (1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 10.0)
MOST_STEPS = 6


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear from nought, or, where ``low`` is above it, logarithmic from there."""

    high: float
    height: float
    low: float = 0.0

    def y(self, value: float) -> float:
        """Pixels from the top of the plot; what is off the scale stands at its edge."""
        if self.low > 0:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = value / self.high
        return self.height * (1 - min(max(share, 0.0), 1.0))


def round_top(values: Iterable[Value]) -> float:
    """The round number at or above the largest value: the top of an axis. 1 when there is nothing to show."""
    largest = max((value for value in values if value is not None), default=0.0)
    if largest <= 0 or not math.isfinite(largest):
        return 1.0
    unit = 10.0 ** math.floor(math.log10(largest))
    return next(unit * each for each in ROUND_NUMBERS if unit * each >= largest * (1 - 1e-9))


def decades(values: Iterable[Value]) -> list[float]:
    """Powers of ten around the values, two to seven of them: the grid of a logarithmic axis."""
    known = [value for value in values if value is not None and value > 0 and math.isfinite(value)]
    if not known:
        return [1.0, 10.0]
    lowest = math.floor(math.log10(min(known)) + 1e-9)
    highest = max(math.ceil(math.log10(max(known)) - 1e-9), lowest + 1)
    step = math.ceil((highest - lowest) / MOST_STEPS)
    return [10.0 ** (lowest + step * place) for place in range(math.ceil((highest - lowest) / step) + 1)]
