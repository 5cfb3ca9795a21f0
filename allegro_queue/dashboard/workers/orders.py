"""Telling a process something: what its step before shows (``horizon/orders.html``), whoever is told."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One thing that it can be told now."""

    word: str
    button: str
    consequence: str
    ends: bool
    """Whether it ends the process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OrdersPage:
    """Tell it one of these?"""

    orders: tuple[Order, ...]
    longest_reason: int = LONGEST_REASON


def not_there(heading: str, name: str) -> Missing:
    """Nobody of this name is there to be told anything."""
    return Missing(
        heading=heading,
        words=gettext("It has left, or does not report any more."),
        asked=name[:200],
        back=link("workers"),
        back_words=gettext("All workers"),
    )
