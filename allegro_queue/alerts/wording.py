"""The messages: what people read in a mail or on a phone, in the site's language. Holds no arguments of jobs and no
secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext

from allegro_queue.alerts.rules import RULES
from allegro_queue.alerts.spans import span
from allegro_queue.alerts.standing import Event, Happening
from allegro_queue.conf import site_language
from allegro_queue.wording import worded

LONGEST_SUBJECT = 180
MOST_LINES = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """For one channel."""

    channel: str
    subject: str
    body: str
    rules: tuple[str, ...] = ()
    is_over: bool = False
    """Whether it tells good news only."""


def messages_of(events: Sequence[Event], environment: str, address: str) -> list[Message]:
    """One message for each channel that is told something, however much that is: a storm is one message.

    In the language of the site: a channel may have many readers, and nobody asks for it in a language of theirs.
    """
    with translation.override(site_language()):
        return [
            message(channel, [event for event in events if channel in event.channels], environment, address)
            for channel in dict.fromkeys(name for event in events for name in event.channels)
        ]


def message(channel: str, events: Sequence[Event], environment: str, address: str) -> Message:
    rules = tuple(dict.fromkeys(event.standing.rule for event in events))
    lines = [in_words(event) for event in events[:MOST_LINES]]
    if more := len(events) - len(lines):
        lines.append(worded(gettext("and {n} more"), n=more))
    mend = [gettext(RULES[name].mend) for name in rules if any(is_wrong(event, name) for event in events)]
    parts = ["\n".join(lines), "\n".join(filter(None, mend))]
    if address:
        parts.append(page_of(address))
    return Message(
        channel=channel,
        subject=f"[{environment}] {subject_of(events)}"[:LONGEST_SUBJECT],
        body="\n\n".join(filter(None, parts)) + "\n",
        rules=rules,
        is_over=all(event.happening is Happening.OVER for event in events),
    )


def page_of(address: str) -> str:
    return f"{address.rstrip('/')}/alerts/"


def is_wrong(event: Event, rule: str) -> bool:
    return event.standing.rule == rule and event.happening is not Happening.OVER


def subject_of(events: Sequence[Event]) -> str:
    """The worst of it in one line."""
    first = min(events, key=lambda event: event.happening is Happening.OVER)
    what = gettext(RULES[first.standing.rule].title)
    if is_name(first):
        what = worded(gettext("{rule}: {subject}"), rule=what, subject=first.standing.subject)
    if first.happening is Happening.AGAIN:
        what = worded(gettext("Still: {what}"), what=what)
    elif first.happening is Happening.OVER:
        what = worded(gettext("Over: {what}"), what=what)
    if more := len(events) - 1:
        what = worded(gettext("{what} (and {n} more)"), what=what, n=more)
    return on_one_line(what)


def is_name(event: Event) -> bool:
    """Whether the subject says something to a reader; the fingerprint of a failure does not."""
    return bool(event.standing.subject) and event.standing.rule != "new_failure"


def in_words(event: Event) -> str:
    """One event as a line."""
    standing = event.standing
    what = standing.said.words
    if event.happening is Happening.OVER:
        lasted = span((standing.clear_since or standing.since) - standing.since).words
        return on_one_line(worded(gettext("Over after {time}: {what}."), time=lasted, what=what))
    if event.happening is Happening.AGAIN:
        return on_one_line(worded(gettext("Still: {what}."), what=what))
    return on_one_line(f"{what[:1].upper()}{what[1:]}.")


def on_one_line(text: str) -> str:
    """Without line breaks, which a mail's subject may not have."""
    return " ".join(text.split())


def trial(channel: str, environment: str, who: str, address: str) -> Message:
    """A message that only shows that a channel works."""
    with translation.override(site_language()):
        title = gettext("A test of alerts")
        parts = [worded(gettext("{who} tests this channel. Nothing is wrong."), who=who)]
        if address:
            parts.append(page_of(address))
        return Message(channel=channel, subject=f"[{environment}] {title}", body="\n\n".join(parts) + "\n")
