"""One check and its result. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """How a check came out, best first."""

    WELL = "well"
    LOOK = "look"
    """Somebody should look; jobs run."""
    RISK = "risk"
    """Jobs do not run, or can be lost."""


GRAVITY = {Result.WELL: 0, Result.LOOK: 1, Result.RISK: 2}
"""For comparing; also the exit codes of ``horizon_check``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at."""

    group: str
    """``Redis``, ``Processes``, ``Records`` or ``Settings``."""
    name: str
    result: Result
    found: str
    """What was found, as a sentence without its stop."""
    mend: str = ""
    """What to do, in words."""
    command: str = ""
    """What to type; empty when no command mends it."""


def worst(checks: Sequence[Check]) -> Result:
    """The gravest result of all."""
    return max((each.result for each in checks), key=GRAVITY.__getitem__, default=Result.WELL)
