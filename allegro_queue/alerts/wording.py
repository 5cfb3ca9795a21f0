"""The messages: what people read in a mail or on a phone. Pure. Holds no arguments of jobs and no secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allegro_queue.alerts.rules import RULES, span
from allegro_queue.alerts.standing import Event, Happening

WORDS = {Happening.FIRED: "", Happening.AGAIN: "Still: ", Happening.OVER: "Over: "}
LONGEST_SUBJECT = 180
MOST_LINES = 30


@dataclass(frozen=True, slots=True)
class Message:
    """For one channel."""

    channel: str
    subject: str
    body: str
    rules: tuple[str, ...]


def messages_of(events: Sequence[Event], environment: str, address: str) -> list[Message]:
    """One message for each channel that is told something, however much that is: a storm is one message."""
    found = []
    for channel in dict.fromkeys(name for event in events for name in event.channels):
        mine = [event for event in events if channel in event.channels]
        rules = tuple(dict.fromkeys(event.standing.rule for event in mine))
        lines = [in_words(event) for event in mine]
        shown = lines[:MOST_LINES] + ([f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])
        mend = [RULES[name].mend for name in rules if any(is_wrong(event, name) for event in mine)]
        parts = ["\n".join(shown), "\n".join(filter(None, mend))]
        if address:
            parts.append(f"{address.rstrip('/')}/alerts/")
        found.append(
            Message(
                channel=channel,
                subject=f"[{environment}] {subject_of(mine)}"[:LONGEST_SUBJECT],
                body="\n\n".join(filter(None, parts)) + "\n",
                rules=rules,
            )
        )
    return found


def is_wrong(event: Event, rule: str) -> bool:
    return event.standing.rule == rule and event.happening is not Happening.OVER


def subject_of(events: Sequence[Event]) -> str:
    """The worst of it in one line."""
    first = min(events, key=lambda event: event.happening is Happening.OVER)
    more = f" (and {len(events) - 1} more)" if len(events) > 1 else ""
    what = f": {first.standing.subject}" if is_name(first) else ""
    return on_one_line(f"{WORDS[first.happening]}{RULES[first.standing.rule].title}{what}{more}")


def is_name(event: Event) -> bool:
    """Whether the subject says something to a reader; the fingerprint of a failure does not."""
    return bool(event.standing.subject) and event.standing.rule != "new_failure"


def in_words(event: Event) -> str:
    """One event as a line."""
    standing = event.standing
    if event.happening is Happening.OVER:
        lasted = span((standing.clear_since or standing.since) - standing.since)
        return on_one_line(f"Over after {lasted}: {standing.text}.")
    start = "Still: " if event.happening is Happening.AGAIN else ""
    return on_one_line(f"{start}{standing.text[0].upper() if not start else standing.text[0]}{standing.text[1:]}.")


def on_one_line(text: str) -> str:
    """Without line breaks, which a mail's subject may not have."""
    return " ".join(text.split())


def trial(environment: str, who: str, address: str) -> tuple[str, str]:
    """Subject and text of a message that only shows that a channel works."""
    link = f"\n{address.rstrip('/')}/alerts/\n" if address else ""
    return f"[{environment}] A test of alerts", f"{who} tests this channel. Nothing is wrong.\n{link}"
