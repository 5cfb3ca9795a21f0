"""One of the figures on top of a page."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """One figure."""

    label: str
    value: str
    unit: str
    note: str
    address: str
    drawing: SafeString | str = ""
    tone: str = ""
    """``bad`` or ``stale``; empty when all is well."""


def late_tile(label: str, address: str, drawing: SafeString | str = "") -> Tile:
    """In the place of one that is not counted yet, so that nothing moves when the count comes."""
    return Tile(
        label=label,
        value=gettext("unknown"),
        unit="",
        note=gettext("still counting"),
        address=address,
        drawing=drawing,
        tone="stale",
    )


def share(part: int, whole: int) -> str:
    """``0.04 %``, or words when there is nothing to divide."""
    if not whole:
        return gettext("nothing ended")
    percent = 100 * part / whole
    return f"{percent:.2g} %" if 0 < percent < 10 else f"{percent:.0f} %"
