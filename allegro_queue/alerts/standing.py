"""What becomes of each alert from one look to the next: who is to be told of what. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum

from django.utils.translation import gettext_noop

from allegro_queue.alerts.facts import Facts
from allegro_queue.alerts.options import RuleOptions
from allegro_queue.alerts.rule import Finding
from allegro_queue.storable import storable
from allegro_queue.tellings import Telling

Key = tuple[str, str]
"""A rule's name and what it speaks of."""

MOST_SUBJECTS = 50
"""Things that one rule speaks of at once; more are not told apart."""


class Happening(StrEnum):
    """What is told, or would be if nobody had muted it."""

    FIRED = "fired"
    AGAIN = "again"
    """It still holds."""
    OVER = "over"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """One alert. Times are Unix seconds."""

    rule: str
    subject: str
    said: Telling
    """What is wrong, as a sentence without its stop."""
    since: float
    """When it began to hold."""
    fired_at: float | None = None
    """``None`` while it has not held for long enough."""
    told_at: float | None = None
    """When somebody was last told; ``None`` when nobody was."""
    clear_since: float | None = None
    """Since when nothing is wrong any more; ``None`` while something is."""

    @property
    def text(self) -> str:
        """The same in English."""
        return self.said.english

    @property
    def key(self) -> Key:
        return self.rule, self.subject


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One thing that happened to an alert."""

    happening: Happening
    standing: Standing
    channels: tuple[str, ...]
    """Who is told."""
    held: str = ""
    """Why nobody is: ``muted``, ``quiet hours``; empty when somebody is."""


@dataclass(frozen=True, slots=True)
class Advance:
    """What one look changes."""

    standings: tuple[Standing, ...]
    """All alerts, afterwards."""
    events: tuple[Event, ...]


def advance(
    standings: Iterable[Standing],
    facts: Facts,
    rules: Mapping[str, RuleOptions],
    muted: frozenset[str],
    clock: time,
) -> Advance:
    """All alerts after a look, and what is to be told of it.

    Args:
        muted: names of rules that somebody muted.
        clock: time of day in the site's zone, for quiet hours.
    """
    before = {each.key: each for each in standings}
    after: list[Standing] = []
    events: list[Event] = []
    for name, options in rules.items():
        mine = {subject: each for (rule, subject), each in before.items() if rule == name}
        if not options.rule.knows(facts):
            # Nothing is known, so nothing has changed.
            after += mine.values()
            continue
        held = (
            gettext_noop("muted")
            if name in muted
            else gettext_noop("quiet hours")
            if any(each.hold(clock) for each in options.quiet)
            else ""
        )
        for finding in found_by(options, facts):
            standing, happened = holds(mine.pop(finding.subject, None), finding, options, held, facts.at)
            after.append(standing)
            events += happened
        for standing in mine.values():
            left, happened = holds_no_more(standing, options, held, facts.at)
            after += left
            events += happened
    return Advance(tuple(after), tuple(events))


def found_by(options: RuleOptions, facts: Facts) -> Sequence[Finding]:
    """What a rule finds, each subject once. One that no database takes would keep all others from being told."""
    found: dict[str, Finding] = {}
    for each in options.rule.look(facts, options.threshold, options.least):
        subject = storable(each.subject)
        found.setdefault(subject, Finding(subject, each.said.storable))
        if len(found) == MOST_SUBJECTS:
            break
    return tuple(found.values())


def holds(
    standing: Standing | None, finding: Finding, options: RuleOptions, held: str, now: float
) -> tuple[Standing, list[Event]]:
    """Something is wrong (still)."""
    if standing is None:
        standing = Standing(rule=options.rule.name, subject=finding.subject, said=finding.said, since=now)
    standing = replace(standing, said=finding.said, clear_since=None)
    if standing.fired_at is None:
        if now - standing.since < options.after:
            return standing, []
        standing = replace(standing, fired_at=now)
        return tell(Happening.FIRED, standing, options, held, now)
    if held:
        return standing, []
    if standing.told_at is None or (options.repeat and now - standing.told_at >= options.repeat):
        return tell(Happening.AGAIN, standing, options, held, now)
    return standing, []


def holds_no_more(
    standing: Standing, options: RuleOptions, held: str, now: float
) -> tuple[list[Standing], list[Event]]:
    """Nothing is wrong (any more)."""
    if standing.fired_at is None:
        return [], []
    if standing.clear_since is None:
        standing = replace(standing, clear_since=now)
    if now - (standing.clear_since or now) < options.clear:
        return [standing], []
    if held == "quiet hours" and standing.told_at is not None:
        # Whoever was told hears of the end when the quiet hours are over.
        return [standing], []
    told = options.channels if standing.told_at is not None and not held else ()
    return [], [
        Event(
            happening=Happening.OVER, standing=standing, channels=told, held="" if told else held or "nobody was told"
        )
    ]


def tell(
    happening: Happening, standing: Standing, options: RuleOptions, held: str, now: float
) -> tuple[Standing, list[Event]]:
    """Tell it, unless that is held back."""
    if held:
        return standing, [Event(happening=happening, standing=standing, channels=(), held=held)]
    standing = replace(standing, told_at=now)
    held = "" if options.channels else "no channel"
    return standing, [Event(happening=happening, standing=standing, channels=options.channels, held=held)]
