"""What the alerts page shows: each rule and how it stands, the channels, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.alerts import book
from allegro_queue.alerts.models import AlertEvent, AlertKeeper, AlertMessage
from allegro_queue.alerts.options import AlertOptions, alert_options
from allegro_queue.alerts.report import FIRING, MUTED, WAITING, WELL, RuleReport, reports
from allegro_queue.alerts.rules import RULES
from allegro_queue.alerts.standing import Happening
from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.page.formats import count, duration, in_words
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.states import Status
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import read_telling
from allegro_queue.wording import worded

PAGE = 50
ALERTS_SHOWN = 5
MOST_MUTE_MINUTES = 30 * 24 * 60

STATES = {
    FIRING: Status(tone="bad", icon="bad", word=gettext_noop("Firing")),
    WAITING: Status(tone="warn", icon="wait", word=gettext_noop("Waiting")),
    MUTED: Status(tone="idle", icon="pause", word=gettext_noop("Muted")),
    WELL: Status(tone="ok", icon="ok", word=gettext_noop("Well")),
}

HAPPENINGS = {
    Happening.FIRED.value: Status(tone="bad", icon="bad", word=gettext_noop("Fired")),
    Happening.AGAIN.value: Status(tone="warn", icon="warn", word=gettext_noop("Still firing")),
    Happening.OVER.value: Status(tone="ok", icon="ok", word=gettext_noop("Over")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleRow:
    """One rule with its state."""

    report: RuleReport
    title: str
    mend: str
    state: Status
    alerts: tuple[str, ...]
    """What is wrong, a line each."""
    more: int
    how_often: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelRow:
    """One channel, and what became of its last message."""

    name: str
    kind: str
    """Tells no secret."""
    last: AlertMessage | None
    state: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRow:
    """One thing that happened."""

    event: AlertEvent
    title: str
    words: str
    state: Status


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertsPage:
    """Who is told, about what?"""

    tone: str
    sentence: str
    sub: str
    rules: tuple[RuleRow, ...]
    channels: tuple[ChannelRow, ...]
    events: tuple[EventRow, ...]
    older: str
    keeper: AlertKeeper | None


def read_alerts(given: Mapping[str, str], now: float) -> AlertsPage:
    """The page: six queries."""
    asked = given.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    options = alert_options()
    return alerts_page(
        options,
        reports(options, now),
        book.last_messages(),
        book.events(PAGE, before),
        book.keeper(now),
    )


def alerts_page(
    options: AlertOptions,
    found: Sequence[RuleReport],
    last: Mapping[str, AlertMessage],
    events: Sequence[AlertEvent],
    keeper: AlertKeeper | None,
) -> AlertsPage:
    """The page, from what was read."""
    firing = [each for each in found if each.state == FIRING]
    order = (FIRING, WAITING, MUTED, WELL)
    return AlertsPage(
        tone="bad" if firing else "warn" if keeper is None or not options.channels else "ok",
        sentence=sentence(firing),
        sub=about_telling(options, keeper),
        rules=tuple(rule_row(each) for each in sorted(found, key=lambda each: order.index(each.state))),
        channels=tuple(
            ChannelRow(
                name=name,
                kind=", ".join(way.words for way in each.ways),
                last=last.get(name),
                state=state_of(last.get(name)),
            )
            for name, each in options.channels.items()
        ),
        events=tuple(
            EventRow(
                event=each,
                title=gettext(RULES[each.rule].title) if each.rule in RULES else each.rule,
                words=read_telling(each.said, each.text).words,
                state=HAPPENINGS.get(each.happening, HAPPENINGS[Happening.AGAIN.value]).in_language(),
            )
            for each in events
        ),
        older=link("alerts", query={"before": events[-1].pk}) if len(events) == PAGE else "",
        keeper=keeper,
    )


def sentence(firing: Sequence[RuleReport]) -> str:
    """What fires, by name."""
    if not firing:
        return gettext("No alert fires.")
    number = sum(len(each.alerts) for each in firing)
    names = in_words([gettext(each.title).lower() for each in firing[:3]])
    if len(firing) > 3:
        more = len(firing) - 3
        names = worded(ngettext("{names} and {n} other rule", "{names} and {n} other rules", more), names=names, n=more)
    return worded(
        ngettext("{n} alert fires: {names}.", "{n} alerts fire: {names}.", number), n=count(number), names=names
    )


def about_telling(options: AlertOptions, keeper: AlertKeeper | None) -> str:
    """Whether anybody would be told."""
    if keeper is None:
        return gettext(
            "Nobody keeps the alerts now, so what is shown may be old and nobody is told. Horizon brings a keeper."
        )
    if not options.channels:
        return gettext("No channel is named, so nobody is told: set HORIZON['alerts']['channels'], or ADMINS.")
    return worded(
        ngettext(
            "Kept by pid {pid} on {host}; {n} channel.",
            "Kept by pid {pid} on {host}; {n} channels.",
            len(options.channels),
        ),
        pid=keeper.pid,
        host=keeper.host,
        n=count(len(options.channels)),
    )


def rule_row(report: RuleReport) -> RuleRow:
    lines = tuple(each.said.words for each in report.alerts[:ALERTS_SHOWN])
    return RuleRow(
        report=report,
        title=gettext(report.title),
        mend=gettext(report.mend) if report.mend else "",
        state=STATES[report.state].in_language(),
        alerts=lines,
        more=max(len(report.alerts) - ALERTS_SHOWN, 0),
        how_often=worded(gettext("again every {time}"), time=duration(report.repeat))
        if report.repeat
        else gettext("told once"),
    )


def state_of(message: AlertMessage | None) -> Status:
    """What became of a message."""
    if message is None:
        return Status(tone="idle", icon="idle", word=gettext("Nothing sent yet"))
    if message.sent_at is not None:
        return Status(tone="ok", icon="ok", word=gettext("Sent"))
    if message.given_up:
        return Status(tone="bad", icon="bad", word=gettext("Given up"))
    if message.tries:
        return Status(tone="warn", icon="retry", word=gettext("Tried, will be tried again"))
    return Status(tone="run", icon="wait", word=gettext("Waits to be sent"))


@dataclass(frozen=True, kw_only=True, slots=True)
class MutePage:
    """Mute a rule: why, for how long?"""

    rule: str
    title: str
    problem: str
    report: RuleReport | None
    longest_reason: int
    most_minutes: int
    next: str


def read_mute(stores: Stores, pulse: Pulse, rule: str, next: str) -> MutePage:
    """The page for muting."""
    found = {each.name: each for each in reports(alert_options(), pulse.at)}
    known = found.get(rule)
    return MutePage(
        rule=rule,
        title=gettext(known.title) if known else rule[:40],
        problem="" if known else worded(gettext("There is no rule {rule} that is on."), rule=repr(rule[:40])),
        report=known,
        longest_reason=LONGEST_REASON,
        most_minutes=MOST_MUTE_MINUTES,
        next=next,
    )
