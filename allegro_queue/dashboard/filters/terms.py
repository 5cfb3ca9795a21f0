"""The language that jobs are asked for in, as typed: words and ``key:value`` terms. Pure.

A comma is "or" inside a term, terms are "and", a minus before one excludes, quotes keep what they enclose together.
What cannot be understood is reported with its place and left out; nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC

from django.utils.translation import gettext

from allegro_queue.dashboard.filters.keys import (
    ENDED,
    KEYS,
    ONCE,
    OTHER_NAMES,
    RANGES,
    STATES,
    Key,
    Kind,
    key_named,
)
from allegro_queue.dashboard.filters.quotes import (
    LONGEST_SHOWN,
    is_closed,
    pieces,
    quoted,
    shown,
    split_at_commas,
    unquoted,
)
from allegro_queue.dashboard.filters.spans import Fault, NoSpan, number_span, seconds_span, time_span
from allegro_queue.dashboard.page.formats import count
from allegro_queue.errors import nearest
from allegro_queue.wording import worded

LONGEST = 500
"""Characters of a filter."""

MOST_TERMS = 20
MOST_VALUES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One thing that is asked for."""

    key: str
    """Empty for words."""
    values: tuple[str, ...]
    """Any of these."""
    excluded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What could not be understood, a sentence, and where it stands."""

    words: str
    place: int | None = None
    """Number of its first character, from 1; ``None`` when it was not typed."""

    def __str__(self) -> str:
        if self.place is None:
            return self.words
        return worded(gettext("Character {place}: {problem}"), place=self.place, problem=self.words)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """Terms, and what was not understood."""

    terms: tuple[Term, ...] = ()
    problems: tuple[Problem, ...] = ()


STARTS_KEY = re.compile(r"(-?)([A-Za-z_][A-Za-z0-9_.]*):")


def parse(text: str) -> Parsed:
    """What a typed filter asks for."""
    if len(text) > LONGEST:
        words = worded(
            gettext("The filter has {n} characters; at most {most} are read, so none of it was."),
            n=count(len(text)),
            most=LONGEST,
        )
        return Parsed(problems=(Problem(words=words),))
    terms: list[Term] = []
    problems: list[Problem] = []
    for start, piece in pieces(text):
        place = start + 1
        if not is_closed(piece):
            problems.append(
                Problem(words=worded(gettext("The quote in {text} is not closed."), text=shown(piece)), place=place)
            )
            continue
        match = STARTS_KEY.match(piece)
        if match is None:
            term, problem = word_term(piece)
        else:
            term, problem = read_term(match[2], piece[match.end() :], excluded=bool(match[1]))
        if problem:
            problems.append(Problem(words=problem, place=place))
        elif term is not None:
            terms.append(term)
    return checked(terms, problems)


def word_term(piece: str) -> tuple[Term | None, str]:
    """A word or a quoted text."""
    excluded = len(piece) > 1 and piece[0] == "-"
    value = unquoted(piece[excluded:])
    if not value.strip():
        return None, worded(gettext("{text} holds no word."), text=shown(piece))
    if "\x00" in value:
        return None, worded(gettext("{text} holds a character that no text has."), text=shown(piece))
    return Term(key="", values=(value,), excluded=excluded), ""


def read_term(name: str, given: str, *, excluded: bool) -> tuple[Term | None, str]:
    """A term, or why it is none."""
    name = name if name.startswith("args.") else name.lower()
    key = key_named(name)
    if key is None:
        near = nearest(name[:LONGEST_SHOWN], KEYS)
        text = (
            gettext(
                "There is nothing called {name} to ask for; did you mean {near}? Put it in quotes to look for the text."
            )
            if near
            else gettext(
                "There is nothing called {name} to ask for; known are {known}. Put it in quotes to look for the text."
            )
        )
        return None, worded(text, name=shown(name), near=repr(near), known=listed(KEYS))
    values = tuple(unquoted(each).strip() for each in split_at_commas(given))
    if not all(values):
        return None, worded(gettext("{key}: has no value; write {example}."), key=name, example=key.example)
    if len(values) > MOST_VALUES:
        return None, worded(
            gettext("{key}: has {n} values; at most {most} are read."), key=name, n=len(values), most=MOST_VALUES
        )
    if any("\x00" in each for each in values):
        return None, worded(gettext("{key}: holds a character that no text has."), key=name)
    problem = problem_of_values(name, key, values)
    if problem:
        return None, problem
    if key.kind in (Kind.STATE, Kind.YES):
        values = tuple(OTHER_NAMES.get(each.lower(), each.lower()) for each in values)
    if excluded and name in ("state", "still", "age", "at"):
        return None, worded(
            gettext("{key}: cannot be excluded; ask for what you want instead, such as {example}."),
            key=name,
            example=key.example,
        )
    return Term(key=name, values=tuple(dict.fromkeys(values)), excluded=excluded), ""


def problem_of_values(name: str, key: Key, values: Sequence[str]) -> str:
    """What is wrong with the values of a term; empty when nothing is."""
    if key.kind is Kind.STATE:
        return problem_of_states(name, values)
    if key.kind is Kind.YES:
        return problem_of_yes(name, values, both=name == "silenced")
    if key.kind not in RANGES:
        return ""
    if len(values) > 1:
        return worded(
            gettext("{key}: takes one value; write a range, such as {example}."), key=name, example=key.example
        )
    return problem_of_span(name, key.kind, values[0])


def problem_of_states(name: str, values: Sequence[str]) -> str:
    """Which of them is no state, or that they do not go together."""
    named = [OTHER_NAMES.get(each.lower(), each.lower()) for each in values]
    for each in named:
        if each not in STATES:
            near = nearest(each[:LONGEST_SHOWN], STATES)
            text = (
                gettext("{key}: there is no state {state}; did you mean {near}?")
                if near
                else gettext("{key}: there is no state {state}; known are {known}.")
            )
            return worded(text, key=name, state=shown(each), near=repr(near), known=listed(STATES))
    if len(set(named)) > 1 and not set(named) <= set(ENDED):
        text = gettext("{key}: only {states} can be asked for together; write state:all for every state.")
        return worded(text, key=name, states=", ".join(ENDED))
    return ""


def listed(words: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(words)))


def problem_of_yes(name: str, values: Sequence[str], *, both: bool) -> str:
    """That it is neither yes nor no."""
    words = ("yes", "no") if both else ("yes",)
    if len(values) == 1 and values[0].lower() in words:
        return ""
    text = gettext("{key}: write {yes} or {no}.") if both else gettext("{key}: write {yes}.")
    return worded(text, key=name, yes=f"{name}:yes", no=f"{name}:no")


SPANS: Mapping[Kind, tuple[str, str, str]] = {
    Kind.SECONDS: (">30s", "<10m", "1m..2h"),
    Kind.NUMBER: ("3", ">1", "2..4"),
    Kind.TIME: ("2026-11-20", "2026-11-20..2026-11-21", "2026-11-20T14:00..2026-11-20T15:00"),
}
"""What can be written for each kind of range."""


def problem_of_span(name: str, kind: Kind, value: str) -> str:
    """Why a value is no range of its kind."""
    try:
        match kind:
            case Kind.SECONDS:
                seconds_span(value)
            case Kind.NUMBER:
                number_span(value)
            case Kind.TIME:
                time_span(value, UTC)
    except NoSpan as error:
        text = {
            Fault.UNREADABLE: gettext("{key}: {text} cannot be read; write {first}, {second} or {third}."),
            Fault.BACKWARDS: gettext("{key}: {text} ends before it begins."),
            Fault.BOUNDLESS: gettext("{key}: it has neither a beginning nor an end."),
        }[error.fault]
        first, second, third = SPANS[kind]
        return worded(text, key=name, text=shown(value), first=first, second=second, third=third)
    return ""


def checked(terms: Sequence[Term], problems: Sequence[Problem]) -> Parsed:
    """Without what stands there twice or is too much."""
    kept: list[Term] = []
    found = list(problems)
    for term in terms:
        if term in kept:
            continue
        if term.key in ONCE and not term.excluded and any(each.key == term.key and not each.excluded for each in kept):
            found.append(
                Problem(
                    words=worded(gettext("{key}: is asked for twice; write {key}:this,that for either."), key=term.key)
                )
            )
        elif len(kept) == MOST_TERMS:
            found.append(
                Problem(
                    words=worded(
                        gettext("{term} is one term too many; at most {most} are asked for."),
                        term=typed([term]),
                        most=MOST_TERMS,
                    )
                )
            )
        else:
            kept.append(term)
    return Parsed(terms=tuple(kept), problems=tuple(found))


def typed(terms: Iterable[Term]) -> str:
    """The same terms as somebody would type them."""
    return " ".join(typed_term(term) if term.key else typed_word(term) for term in terms)


def typed_term(term: Term) -> str:
    values = ",".join(quoted(each, r'[\s",]') for each in term.values)
    return f"{'-' * term.excluded}{term.key}:{values}"


def typed_word(term: Term) -> str:
    value = term.values[0]
    plain = not re.search(r'[\s"]', value) and not value.startswith("-") and not STARTS_KEY.match(value)
    return f"{'-' * term.excluded}{value if plain else quoted(value, '')}"
