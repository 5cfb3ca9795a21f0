"""What the health page shows: one line a check, what needs a look first."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.alerts.report import keeper_in_words
from allegro_queue.configuration import configuration_problems
from allegro_queue.dashboard.page.formats import count, in_words
from allegro_queue.dashboard.page.states import Status
from allegro_queue.health.check import Check, Result, worst
from allegro_queue.health.examine import examine
from allegro_queue.scheduling.snapshots import snapshot_too_old_from
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

RESULTS = {
    Result.WELL: Status(tone="ok", icon="ok", word=gettext_noop("Well")),
    Result.LOOK: Status(tone="warn", icon="warn", word=gettext_noop("Look")),
    Result.RISK: Status(tone="bad", icon="bad", word=gettext_noop("At risk")),
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
    return health_page(
        examine(stores, pulse, configuration_problems(), keeper_in_words(pulse.at), snapshot_too_old_from)
    )


def health_page(checks: tuple[Check, ...]) -> HealthPage:
    """The page, from the checks."""
    troubled = [each for each in checks if each.result is not Result.WELL]
    groups = [(gettext("Needs a look"), sorted(troubled, key=lambda each: each.result is not Result.RISK))]
    groups += [
        (name, [each for each in checks if each.group == name and each.result is Result.WELL])
        for name in dict.fromkeys(each.group for each in checks)
    ]
    return HealthPage(
        tone=RESULTS[worst(checks)].tone,
        sentence=sentence(checks),
        sub=worded(
            ngettext("{n} check, {well} of them well.", "{n} checks, {well} of them well.", len(checks)),
            n=count(len(checks)),
            well=count(len(checks) - len(troubled)),
        ),
        groups=tuple(
            CheckGroup(
                name=name, rows=tuple(CheckRow(check=each, state=RESULTS[each.result].in_language()) for each in found)
            )
            for name, found in groups
            if found
        ),
    )


def sentence(checks: tuple[Check, ...]) -> str:
    """What is wrong, by name."""
    risks = [gettext(each.name).lower() for each in checks if each.result is Result.RISK]
    looks = [gettext(each.name).lower() for each in checks if each.result is Result.LOOK]
    if risks:
        return worded(gettext("Jobs do not run, or can be lost: see {checks}."), checks=in_words(risks))
    if looks:
        return worded(gettext("Jobs run. To look at: {checks}."), checks=in_words(looks))
    return gettext("All well.")
