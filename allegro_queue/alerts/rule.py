"""What a rule of alerts is: what it looks at, what it finds, and what holds where the settings say nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_noop

from allegro_queue.alerts.facts import Facts
from allegro_queue.tellings import Telling


class Unit(StrEnum):
    """What a threshold counts."""

    NONE = ""
    SECONDS = "seconds"
    SHARE = "share"
    """From 0 to 1."""
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    subject: str
    """Of what: a queue, an entry, a host. Empty when there is only one."""
    said: Telling
    """As a sentence without its stop."""


Look = Callable[[Facts, float, float], Iterator[Finding]]
"""The facts, the threshold and the least number that counts, to what is wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule, with what holds where the settings say nothing."""

    name: str
    title: str
    unit: Unit = Unit.NONE
    threshold: float = 0.0
    limit: str = gettext_noop("over {time}")
    """The threshold of a rule that counts seconds, in words."""
    own_limit: str = ""
    """The same where the threshold is nought, for one that then knows its limit by itself."""
    least: int = 0
    """For a share: how many there must be before it counts."""
    after: float = 0.0
    """Seconds that it must hold before anybody is told."""
    repeat: float = 4 * 3600.0
    """Seconds after which it is told again while it holds; 0 for never."""
    mend: str = ""
    """Where to look, in words."""
    look: Look
    knows: Callable[[Facts], bool]
    """Whether the facts say anything of this; if not, what fires goes on firing."""
