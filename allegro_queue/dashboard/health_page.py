"""What the health page shows: one line a check, what needs a look first."""

from __future__ import annotations

from dataclasses import dataclass

from allegro_queue.alerts.report import keeper_in_words
from allegro_queue.configuration import configuration_problems
from allegro_queue.dashboard.formats import in_words, plural
from allegro_queue.dashboard.states import Status
from allegro_queue.health.check import Check, Result, worst
from allegro_queue.health.examine import examine
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse

RESULTS = {
    Result.WELL: Status(tone="ok", icon="ok", word="Well"),
    Result.LOOK: Status(tone="warn", icon="warn", word="Look"),
    Result.RISK: Status(tone="bad", icon="bad", word="At risk"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRow:
    """One check with its state."""

    check: Check
    state: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckGroup:
    """Checks under one heading."""

    name: str
    rows: tuple[CheckRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthPage:
    """Is the machinery itself well?"""

    tone: str
    sentence: str
    sub: str
    groups: tuple[CheckGroup, ...]


def read_health(stores: Stores, pulse: Pulse) -> HealthPage:
    """The page: one round trip besides the pulse's two, one query."""
    return health_page(examine(stores, pulse, configuration_problems(), keeper_in_words(pulse.at)))


def health_page(checks: tuple[Check, ...]) -> HealthPage:
    """The page, from the checks."""
    troubled = [each for each in checks if each.result is not Result.WELL]
    groups = [("Needs a look", sorted(troubled, key=lambda each: each.result is not Result.RISK))]
    groups += [
        (name, [each for each in checks if each.group == name and each.result is Result.WELL])
        for name in dict.fromkeys(each.group for each in checks)
    ]
    return HealthPage(
        tone=RESULTS[worst(checks)].tone,
        sentence=sentence(checks),
        sub=f"{plural(len(checks), 'check')}, {len(checks) - len(troubled)} of them well.",
        groups=tuple(
            CheckGroup(name=name, rows=tuple(CheckRow(check=each, state=RESULTS[each.result]) for each in found))
            for name, found in groups
            if found
        ),
    )


def sentence(checks: tuple[Check, ...]) -> str:
    """What is wrong, by name."""
    risks = [each.name.lower() for each in checks if each.result is Result.RISK]
    looks = [each.name.lower() for each in checks if each.result is Result.LOOK]
    if risks:
        return f"Jobs do not run, or can be lost: see {in_words(risks)}."
    if looks:
        return f"Jobs run. To look at: {in_words(looks)}."
    return "All well."
