"""From the terms of a query to what the stores are asked: a filter of runs, or a test of jobs in Redis. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from django.utils.translation import gettext

from allegro_queue.dashboard.filters.keys import ALL, ARGUMENTS, key_named
from allegro_queue.dashboard.filters.spans import number_span, seconds_span, time_span
from allegro_queue.dashboard.filters.terms import Term, typed
from allegro_queue.dashboard.jobs.query import JobQuery, is_live
from allegro_queue.history.filters import Also, Filter
from allegro_queue.wording import worded

OUTCOMES = {
    "finished": "succeeded",
    "failed": "failed",
    "retried": "retried",
    "lost": "lost",
    "stopped": "stopped",
}
"""Outcomes of runs by the state of the list."""

COLUMNS = {
    "queue": "queue",
    "func": "name",
    "tag": "tag",
    "tenant": "tenant",
    "batch": "batch",
    "error": "exception",
    "group": "fingerprint",
    "id": "job_id",
    "worker": "worker",
    "host": "host",
}
"""Columns of runs by key."""

NUMBERS = {"attempt": "attempt", "run": "run_seconds", "wait": "wait_seconds"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """Names to choose from, as far as something ran under them in the last 30 days."""

    functions: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What history is asked."""

    filter: Filter
    slow: tuple[str, ...] = ()
    """Terms that no index answers."""
    unknown: tuple[str, ...] = ()
    """Names that nothing ran under, a sentence each."""


def filter_of(query: JobQuery, names: Names, *, now: float, zone: tzinfo, has_silenced: bool) -> Wanted:
    """The filter of a query.

    Args:
        has_silenced: whether some jobs are silenced: their successful runs stand in a list of their own.
    """
    found = Filter(outcomes=tuple(OUTCOMES[each] for each in query.states if each != ALL))
    also: list[Also] = []
    slow: list[str] = []
    unknown: list[str] = []
    given: dict[str, str] = {}
    words: list[str] = []
    since, until, silenced = 0.0, 0.0, False if has_silenced and query.states == ("finished",) else None
    for term in query.others:
        key = key_named(term.key)
        if not term.key:
            add_words(term, words, also, slow)
        elif key is ARGUMENTS:
            also.append(argument_part(term))
            slow.append(typed([term]))
        elif term.key in NUMBERS:
            span = number_span(term.values[0]) if term.key == "attempt" else seconds_span(term.values[0])
            also.append(Also(of=NUMBERS[term.key], least=span.least, most=span.most, excluded=term.excluded))
            slow.append(typed([term]))
        elif term.key == "age":
            span = seconds_span(term.values[0])
            since = max(since, now - span.most) if span.most is not None else since
            until = earliest(until, now - span.least) if span.least is not None else until
        elif term.key == "at":
            span = time_span(term.values[0], zone)
            since = max(since, span.least) if span.least is not None else since
            until = earliest(until, span.most) if span.most is not None else until
        elif term.key == "silenced":
            silenced = term.values == ("yes",)
        elif term.key in COLUMNS:
            column = COLUMNS[term.key]
            values = resolved(term, names, unknown)
            if len(values) == 1 and not term.excluded and column not in given:
                given[column] = values[0]
                if key is not None and key.slow:
                    slow.append(typed([term]))
            else:
                also.append(Also(of=column, values=values, excluded=term.excluded))
                slow.append(typed([term]))
    return Wanted(
        filter=Filter(
            outcomes=found.outcomes,
            text=" ".join(words),
            since=since,
            until=until,
            silenced=silenced,
            also=tuple(also),
            **given,
        ),
        slow=tuple(slow),
        unknown=tuple(unknown),
    )


def earliest(until: float, other: float) -> float:
    return min(until, other) if until else other


def add_words(term: Term, words: list[str], also: list[Also], slow: list[str]) -> None:
    """Words are looked up; what is excluded, and a text in one piece, is compared besides."""
    value = term.values[0].lower()
    terms = Filter(text=value).terms
    if term.excluded and len(terms) == 1 and terms[0] == value:
        also.append(Also(of="word", values=terms, excluded=True))
        slow.append(typed([term]))
    elif term.excluded or not terms:
        also.append(Also(of="text", values=(value,), excluded=term.excluded))
        slow.append(typed([term]))
    else:
        words += terms
        if any(letter.isspace() for letter in value):
            also.append(Also(of="text", values=(value,)))
            slow.append(typed([term]))


def argument_part(term: Term) -> Also:
    """An argument given by name, in the call as history keeps it: as JSON."""
    name = json.dumps(term.key.removeprefix("args."))
    values = [f"{name}: {json.dumps(each, ensure_ascii=False)}" for each in term.values]
    # A number, true, false or null stands there without quotes; what follows it is a comma or the end.
    bare = [f"{name}: {each}{end}" for each in term.values if is_bare(each) for end in (",", "}")]
    return Also(of="argument", values=(*values, *bare), excluded=term.excluded)


def is_bare(value: str) -> bool:
    try:
        return not isinstance(json.loads(value), str | list | dict)
    except ValueError:
        return False


def resolved(term: Term, names: Names, unknown: list[str]) -> tuple[str, ...]:
    """Whole names for those that may be given in part: the last part of a function, a part of an exception."""
    if term.key not in ("func", "error"):
        return term.values
    known = names.functions if term.key == "func" else names.exceptions
    text = (
        gettext("No function that is kept here is called “{name}”.")
        if term.key == "func"
        else gettext("No failure that is kept here is called “{name}”.")
    )
    found: list[str] = []
    for value in term.values:
        matching = names_like(value, known)
        if not matching and not term.excluded:
            unknown.append(worded(text, name=value[:80]))
        found += matching or [value]
    return tuple(dict.fromkeys(found))


def names_like(value: str, known: Sequence[str]) -> list[str]:
    """The name itself; else those that end with it; else those that contain it, in any case of letters."""
    if value in known:
        return [value]
    ending = [each for each in known if each.endswith(f".{value}")]
    return ending or [each for each in known if value.casefold() in each.casefold()]


def can_ask_lists(query: JobQuery) -> bool:
    """Whether Redis' own lists can answer all of it."""
    return all(is_live(term) for term in query.asked)


def queues_of(query: JobQuery, queues: Sequence[str]) -> list[str]:
    """The queues whose lists are read."""
    found = list(queues)
    for term in query.terms:
        if term.key == "queue":
            found = [each for each in found if (each in term.values) is not term.excluded]
    return found
