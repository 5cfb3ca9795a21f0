"""A queue as a lane: jobs stand before its mouth at the right and the backlog grows to the left; behind it the workers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Literal

from django.utils.safestring import SafeString

from allegro_queue.dashboard.charts.parts import element, label, percent, upright

LANE_TOP = 100_000
"""A lane is full at this many waiting jobs; its scale is logarithmic."""

LANE_MARKS = ((10, "10"), (100, "100"), (1_000, "1k"), (10_000, "10k"))

Slot = Literal["busy", "other", "free", "lost"]
"""A worker seen from one queue: busy with it, busy with another, free, or lost."""

SLOT_SIDE, SLOT_STEP, GROUP_GAP, GROUP_OF = 10, 13, 5, 5


@lru_cache(maxsize=500)
def lane(waiting: int, sentence: str, state: Literal["", "bad", "paused"] = "") -> SafeString:
    """The lane of one queue. Kept once drawn, as all here: a page that is refreshed has most of them again."""
    share = lane_share(waiting)
    fill = element("rect", class_="hz-lane-fill", x=percent(1 - share), y=5, width=percent(share), height=10, rx=2)
    return element(
        "svg",
        element("rect", class_="hz-lane-track", y=5, width="100%", height=10, rx=2),
        *(upright(1 - lane_share(count), 3, 17, "hz-lane-tick") for count, _ in LANE_MARKS),
        fill if waiting > 0 else "",
        element("line", class_="hz-lane-mouth", x1="100%", x2="100%", y1=1, y2=19),
        class_=f"hz-lane hz-lane-{state}" if state else "hz-lane",
        role="img",
        aria_label=sentence,
        width="100%",
        height=20,
    )


def lane_share(waiting: int) -> float:
    """How far a backlog reaches back from the mouth."""
    return min(1.0, math.log10(1 + max(waiting, 0)) / math.log10(1 + LANE_TOP))


@cache
def lane_scale() -> SafeString:
    """The head of the lanes' column: how far 10, 100, 1,000 and 10,000 jobs reach."""
    return element(
        "svg",
        *(label(percent(1 - lane_share(count)), 10, words, anchor="middle") for count, words in LANE_MARKS),
        class_="hz-lane-scale",
        aria_hidden="true",
        width="100%",
        height=12,
    )


def slots(cells: Sequence[Slot], sentence: str) -> SafeString:
    """The workers behind a lane, in fives. Give them in the same order in every row: a column is a worker."""
    return kept_slots(tuple(cells), sentence)


@lru_cache(maxsize=500)
def kept_slots(cells: tuple[Slot, ...], sentence: str) -> SafeString:
    width = max(slot_x(len(cells)) - (SLOT_STEP - SLOT_SIDE), SLOT_SIDE)
    if cells and len(cells) % GROUP_OF == 0:
        width -= GROUP_GAP
    return element(
        "svg",
        *(slot(cell, slot_x(index)) for index, cell in enumerate(cells)),
        class_="hz-slots",
        role="img",
        aria_label=sentence,
        width=width,
        height=20,
    )


def slot_x(index: int) -> int:
    return index * SLOT_STEP + index // GROUP_OF * GROUP_GAP


def slot(cell: Slot, x: int) -> SafeString:
    """Shapes differ as well as colours."""
    if cell == "other":
        return element("circle", class_="hz-slot-other", cx=x + SLOT_SIDE / 2, cy=10, r=1.5)
    if cell == "lost":
        return element("path", class_="hz-slot-lost", d=f"M{x + 2} 7l6 6m0-6l-6 6")
    inset = 0.0 if cell == "busy" else 0.8
    side = SLOT_SIDE - 2 * inset
    return element("rect", class_=f"hz-slot-{cell}", x=x + inset, y=5 + inset, width=side, height=side, rx=2)
