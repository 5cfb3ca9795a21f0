"""How each rule stands, for the page and for the command: the same words in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, transaction
from django.utils.translation import gettext

from allegro_queue.alerts import book
from allegro_queue.alerts.book import Mute
from allegro_queue.alerts.options import AlertOptions, RuleOptions
from allegro_queue.alerts.rule import Unit
from allegro_queue.alerts.spans import span
from allegro_queue.alerts.standing import Standing
from allegro_queue.wording import worded

FIRING, WAITING, WELL, MUTED = "firing", "waiting", "well", "muted"


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleReport:
    """One rule, now. Times are Unix seconds."""

    name: str
    title: str
    state: str
    """``firing``; ``waiting`` while something is wrong, but not for long enough; ``muted`` when it would tell nobody."""
    alerts: tuple[Standing, ...]
    """What is wrong."""
    since: float | None
    told_at: float | None
    limit: str
    """When it fires, in words."""
    channels: tuple[str, ...]
    quiet: tuple[str, ...]
    repeat: float
    mute: Mute | None
    mend: str

    @property
    def said(self) -> str:
        """The first thing that is wrong, and how many more there are."""
        more = f" (and {len(self.alerts) - 1} more)" if len(self.alerts) > 1 else ""
        muted = f"muted by {self.mute.by}: {self.mute.reason}" if self.mute else ""
        return (f"{self.alerts[0].text}{more}" if self.alerts else "") or muted

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rule": self.name,
            "title": self.title,
            "state": self.state,
            "since": self.since,
            "told_at": self.told_at,
            "limit": self.limit,
            "channels": list(self.channels),
            "quiet": list(self.quiet),
            "repeat_seconds": self.repeat,
            "alerts": [
                {"subject": each.subject, "text": each.text, "since": each.since, "fired_at": each.fired_at}
                for each in self.alerts
            ],
            "mute": {"until": self.mute.until, "by": self.mute.by, "reason": self.mute.reason} if self.mute else None,
        }


def reports(options: AlertOptions, now: float) -> list[RuleReport]:
    """Every rule that is on; two queries."""
    standings, mutes = book.standings(), book.mutes(now)
    return [
        report(each, [standing for standing in standings if standing.rule == name], mutes.get(name))
        for name, each in options.rules.items()
    ]


def report(options: RuleOptions, standings: list[Standing], mute: Mute | None) -> RuleReport:
    """One rule. Pure."""
    firing = [each for each in standings if each.fired_at is not None]
    shown = firing or standings
    state = FIRING if firing else WAITING if standings else WELL
    return RuleReport(
        name=options.rule.name,
        title=options.rule.title,
        state=MUTED if mute else state,
        alerts=tuple(shown),
        since=min((each.since for each in shown), default=None),
        told_at=max((each.told_at for each in shown if each.told_at is not None), default=None),
        limit=limit_of(options),
        channels=options.channels,
        quiet=tuple(str(each) for each in options.quiet),
        repeat=options.repeat,
        mute=mute,
        mend=options.rule.mend,
    )


def limit_of(options: RuleOptions) -> str:
    """When a rule fires, in a few words."""
    above = threshold_of(options)
    if above and options.after:
        return worded(gettext("{threshold}, for {time}"), threshold=above, time=length(options.after))
    if options.after:
        return worded(gettext("for {time}"), time=length(options.after))
    return above or gettext("at once")


def threshold_of(options: RuleOptions) -> str:
    """What a rule's figure must come to, in a few words; empty when it counts nothing."""
    rule = options.rule
    match rule.unit:
        case Unit.SECONDS if rule.own_limit and not options.threshold:
            return gettext(rule.own_limit)
        case Unit.SECONDS:
            return worded(gettext(rule.limit), time=length(options.threshold))
        case Unit.SHARE if options.least:
            return worded(
                gettext("{share} or more, of {least} at the least"),
                share=f"{options.threshold:.0%}",
                least=options.least,
            )
        case Unit.SHARE:
            return worded(gettext("{share} or more"), share=f"{options.threshold:.0%}")
        case Unit.COUNT:
            return worded(gettext("{n} or more"), n=f"{options.threshold:.0f}")
    return ""


def length(seconds: float) -> str:
    """A length of time as alerts write it, with its units in the reader's language."""
    return span(seconds).words


def keeper_in_words(now: float) -> str | None:
    """Who keeps the alerts; ``None`` when nobody does, as when there is no database to keep them in."""
    try:
        with transaction.atomic(using=book.alias()):
            row = book.keeper(now)
    except DatabaseError:
        return None
    return None if row is None else worded(gettext("{host}, pid {pid}"), host=row.host, pid=row.pid)
