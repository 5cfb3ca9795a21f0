"""The language that jobs are asked for in: words and ``key:value`` terms, as typed or as an address has them. Pure.

A comma is "or" inside a term, terms are "and", a minus before one excludes, quotes keep what they enclose together.
What cannot be understood is reported with its place and left out; nothing is left out in silence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum, auto

from allegro_queue.errors import did_you_mean

LONGEST = 500
"""Characters of a filter."""

MOST_TERMS = 20
MOST_VALUES = 20
LONGEST_SHOWN = 40
"""Characters of what was typed that a problem repeats."""


class Kind(Enum):
    """What a key's value looks like."""

    TEXT = auto()
    STATE = auto()
    YES = auto()
    SECONDS = auto()
    NUMBER = auto()
    TIME = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key."""

    kind: Kind = Kind.TEXT
    live: bool = False
    """Whether it can be asked of jobs that have not ended."""
    ended: bool = True
    """Whether it can be asked of those that have."""
    slow: bool = False
    """Whether no index answers it, so that runs are looked at one by one."""
    example: str
    says: str


KEYS: Mapping[str, Key] = {
    "state": Key(kind=Kind.STATE, live=True, example="state:failed,lost", says="the state"),
    "queue": Key(live=True, example="queue:high,default", says="the queue"),
    "func": Key(live=True, example="func:send_magic_link", says="the function, whole or its last part"),
    "tag": Key(live=True, example="tag:member:42", says="a tag"),
    "tenant": Key(live=True, example="tenant:7", says="for whom it acts"),
    "batch": Key(live=True, example="batch:3f2a", says="the batch"),
    "error": Key(example="error:Timeout", says="the type of the failure, or a part of it"),
    "group": Key(example="group:5d41402a", says="the failure group"),
    "id": Key(live=True, example="id:6c0f41d2", says="the job’s id"),
    "worker": Key(live=True, slow=True, example="worker:web-1.4121.a1b2", says="the worker"),
    "host": Key(slow=True, example="host:web-2", says="the worker’s host"),
    "attempt": Key(kind=Kind.NUMBER, live=True, slow=True, example="attempt:>1", says="which attempt it is"),
    "wait": Key(kind=Kind.SECONDS, live=True, slow=True, example="wait:>10m", says="how long it waited"),
    "run": Key(kind=Kind.SECONDS, live=True, slow=True, example="run:>30s", says="how long it ran"),
    "age": Key(kind=Kind.SECONDS, live=True, example="age:<24h", says="how long ago it ended, or was queued"),
    "at": Key(kind=Kind.TIME, example="at:2026-11-20..2026-11-21", says="when it ended"),
    "silenced": Key(kind=Kind.YES, slow=True, example="silenced:yes", says="whether it is a silenced job"),
    "still": Key(kind=Kind.YES, example="still:yes", says="failed, and not retried or deleted since"),
}
ARGUMENT = re.compile(r"args\.[A-Za-z_][A-Za-z0-9_]{0,60}")
ARGUMENTS = Key(slow=True, example="args.member_id:991", says="an argument that was given by name")

LIVE = ("waiting", "running", "scheduled", "deferred")
ENDED = ("finished", "failed", "retried", "lost", "stopped")
ALL = "all"
STATES = (*LIVE, *ENDED, ALL)
OTHER_NAMES = {"queued": "waiting", "started": "running", "succeeded": "finished"}

RANGES = frozenset({Kind.SECONDS, Kind.NUMBER, Kind.TIME})
ONCE = frozenset(KEYS) - {"tag"}
"""Keys that a job has one value of, so that asking twice would find nothing."""


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
        return self.words if self.place is None else f"Character {self.place}: {self.words}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """Terms, and what was not understood."""

    terms: tuple[Term, ...] = ()
    problems: tuple[Problem, ...] = ()


def key_named(name: str) -> Key | None:
    """The key of this name; ``None`` when there is none."""
    return ARGUMENTS if ARGUMENT.fullmatch(name) else KEYS.get(name)


# --------------------------------------------------------------------------------------------------- As typed

STARTS_KEY = re.compile(r"(-?)([A-Za-z_][A-Za-z0-9_.]*):")


def parse(text: str) -> Parsed:
    """What a typed filter asks for."""
    if len(text) > LONGEST:
        words = f"The filter has {len(text):,} characters; at most {LONGEST} are read, so none of it was."
        return Parsed(problems=(Problem(words=words),))
    terms: list[Term] = []
    problems: list[Problem] = []
    for start, piece in pieces(text):
        place = start + 1
        if not is_closed(piece):
            problems.append(Problem(words=f"The quote in {shown(piece)} is not closed.", place=place))
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


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of a filter."""

    place: int
    says: str
    """Itself; nothing for a quote around a text and for a backslash before a quote or a backslash in it."""
    is_quoted: bool


def letters(text: str) -> tuple[list[Letter], bool]:
    """What each letter means, and whether every quote is closed."""
    found: list[Letter] = []
    in_quotes = escaped = False
    for place, letter in enumerate(text):
        if escaped:
            found.append(Letter(place, letter, True))
            escaped = False
        elif letter == '"':
            found.append(Letter(place, "", True))
            in_quotes = not in_quotes
        elif in_quotes and letter == "\\" and text[place + 1 : place + 2] in ('"', "\\"):
            found.append(Letter(place, "", True))
            escaped = True
        else:
            found.append(Letter(place, letter, in_quotes))
    return found, not in_quotes


def pieces(text: str) -> Iterable[tuple[int, str]]:
    """What stands between spaces, with its place; quotes hold spaces together."""
    start: int | None = None
    for letter in letters(text)[0]:
        is_space = not letter.is_quoted and letter.says.isspace()
        if start is None and not is_space:
            start = letter.place
        elif start is not None and is_space:
            yield start, text[start : letter.place]
            start = None
    if start is not None:
        yield start, text[start:]


def is_closed(piece: str) -> bool:
    return letters(piece)[1]


def word_term(piece: str) -> tuple[Term | None, str]:
    """A word or a quoted text."""
    excluded = len(piece) > 1 and piece[0] == "-"
    value = unquoted(piece[excluded:])
    if not value.strip():
        return None, f"{shown(piece)} holds no word."
    if "\x00" in value:
        return None, f"{shown(piece)} holds a character that no text has."
    return Term(key="", values=(value,), excluded=excluded), ""


def unquoted(text: str) -> str:
    """Without its quotes and the backslashes in them."""
    return "".join(letter.says for letter in letters(text)[0])


def shown(piece: str) -> str:
    return f"“{piece[:LONGEST_SHOWN]}{'…' if len(piece) > LONGEST_SHOWN else ''}”"


def read_term(name: str, given: str, *, excluded: bool) -> tuple[Term | None, str]:
    """A term, or why it is none."""
    name = name if name.startswith("args.") else name.lower()
    key = key_named(name)
    if key is None:
        hint = did_you_mean(name[:LONGEST_SHOWN], KEYS)
        return None, f"There is nothing called {shown(name)} to ask for{hint} Put it in quotes to look for the text."
    values = tuple(unquoted(each).strip() for each in split_at_commas(given))
    if not all(values):
        return None, f"{name}: has no value; write {key.example}."
    if len(values) > MOST_VALUES:
        return None, f"{name}: has {len(values)} values; at most {MOST_VALUES} are read."
    if any("\x00" in each for each in values):
        return None, f"{name}: holds a character that no text has."
    problem = problem_of_values(name, key, values)
    if problem:
        return None, problem
    if key.kind in (Kind.STATE, Kind.YES):
        values = tuple(OTHER_NAMES.get(each.lower(), each.lower()) for each in values)
    if excluded and name in ("state", "still", "age", "at"):
        return None, f"{name}: cannot be excluded; ask for what you want instead, such as {key.example}."
    return Term(key=name, values=tuple(dict.fromkeys(values)), excluded=excluded), ""


def split_at_commas(text: str) -> list[str]:
    """The values of a term, with their quotes; commas in quotes are part of one."""
    found = [""]
    for letter in letters(text)[0]:
        if letter.says == "," and not letter.is_quoted:
            found.append("")
        else:
            found[-1] += text[letter.place]
    return found


def problem_of_values(name: str, key: Key, values: Sequence[str]) -> str:
    """What is wrong with the values of a term; empty when nothing is."""
    try:
        if key.kind is Kind.STATE:
            check_states(values)
        elif key.kind is Kind.YES:
            check_yes(name, values, both=name == "silenced")
        elif key.kind in RANGES and len(values) > 1:
            return f"{name}: takes one value; write a range, such as {key.example}."
        elif key.kind is Kind.SECONDS:
            seconds_span(values[0])
        elif key.kind is Kind.NUMBER:
            number_span(values[0])
        elif key.kind is Kind.TIME:
            time_span(values[0], UTC)
    except ValueError as error:
        return f"{name}: {error}"
    return ""


def check_states(values: Sequence[str]) -> None:
    """
    Raises:
        ValueError: one of them is no state, or they do not go together.
    """
    named = [OTHER_NAMES.get(each.lower(), each.lower()) for each in values]
    for each in named:
        if each not in STATES:
            raise ValueError(f"there is no state {shown(each)}{did_you_mean(each[:LONGEST_SHOWN], STATES)}")
    if len(set(named)) > 1 and not set(named) <= set(ENDED):
        raise ValueError(f"only {', '.join(ENDED)} can be asked for together; write state:all for every state.")


def check_yes(name: str, values: Sequence[str], *, both: bool) -> None:
    """
    Raises:
        ValueError: it is neither yes nor no.
    """
    words = ("yes", "no") if both else ("yes",)
    if len(values) != 1 or values[0].lower() not in words:
        raise ValueError(f"write {' or '.join(f'{name}:{each}' for each in words)}.")


def checked(terms: Sequence[Term], problems: Sequence[Problem]) -> Parsed:
    """Without what stands there twice or is too much."""
    kept: list[Term] = []
    found = list(problems)
    for term in terms:
        if term in kept:
            continue
        if term.key in ONCE and not term.excluded and any(each.key == term.key and not each.excluded for each in kept):
            found.append(Problem(words=f"{term.key}: is asked for twice; write {term.key}:this,that for either."))
        elif len(kept) == MOST_TERMS:
            found.append(Problem(words=f"{typed([term])} is one term too many; at most {MOST_TERMS} are asked for."))
        else:
            kept.append(term)
    return Parsed(terms=tuple(kept), problems=tuple(found))


# ------------------------------------------------------------------------------------------------- In an address


def read_pairs(pairs: Iterable[tuple[str, str]]) -> Parsed:
    """What an address asks for: a pair for each term, ``q`` for words. Pairs without a value ask for nothing."""
    terms: list[Term] = []
    problems: list[Problem] = []
    for name, given in pairs:
        if not given.strip():
            continue
        if name == "q":
            parsed = parse(given)
            terms += parsed.terms
            problems += parsed.problems
            continue
        if not is_closed(given) or len(given) > LONGEST:
            problems.append(Problem(words=f"{shown(name)} has a value that cannot be read."))
            continue
        term, problem = read_term(name.removeprefix("-"), given, excluded=name.startswith("-"))
        if problem:
            problems.append(Problem(words=problem))
        elif term is not None:
            terms.append(term)
    return checked(terms, problems)


def pairs_of(terms: Iterable[Term]) -> list[tuple[str, str]]:
    """The same terms for an address, in a fixed order, the words last."""
    order = ["", *KEYS]
    places = {key: place for place, key in enumerate(order)}
    asked = sorted(
        (term for term in terms if term.key), key=lambda term: (places.get(term.key, len(places)), term.excluded)
    )
    words = " ".join(typed_word(term) for term in terms if not term.key)
    pairs = [("-" * term.excluded + term.key, ",".join(quoted(each, '[",]') for each in term.values)) for term in asked]
    return [*pairs, ("q", words)] if words else pairs


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


def quoted(value: str, special: str) -> str:
    """In quotes, if something in it matches the pattern."""
    if not re.search(special, value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# ---------------------------------------------------------------------------------------------------------- Ranges


@dataclass(frozen=True, slots=True)
class Span:
    """From the least to the most, both included; ``None`` for no bound."""

    least: float | None = None
    most: float | None = None

    def holds(self, value: float | None) -> bool:
        """Whether a value lies in it; one that is not known does not."""
        if value is None:
            return False
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|min|h|d)?")
UNIT = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_span(text: str) -> Span:
    """``>30s``, ``<10m``, ``1m..2h``.

    Raises:
        ValueError: it is no such thing; the message says what would be.
    """
    return read_span(text, seconds_in, 0.0, "write >30s, <10m or 1m..2h.")


def number_span(text: str) -> Span:
    """``3``, ``>1``, ``2..4``.

    Raises:
        ValueError: it is no such thing; the message says what would be.
    """
    if text.isascii() and text.isdigit() and len(text) < 10:
        return Span(float(text), float(text))
    return read_span(text, whole_number, 1.0, "write 3, >1 or 2..4.")


def seconds_in(text: str) -> float | None:
    match = SECONDS.fullmatch(text)
    return float(match[1]) * UNIT[match[2] or ""] if match else None


def whole_number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def read_span(text: str, read: object, step: float, right: str) -> Span:
    """A span of values, each read by a function that gives ``None`` for what it does not understand."""
    assert callable(read)
    match = re.fullmatch(r"(<=|>=|<|>)\s*(\S+)", text)
    if match:
        value = read(match[2])
        if value is not None:
            beyond = step if len(match[1]) == 1 else 0.0
            return Span(value + beyond) if match[1][0] == ">" else Span(None, value - beyond)
    elif ".." in text:
        first, _, last = text.partition("..")
        least, most = read(first.strip()), read(last.strip())
        if least is not None and most is not None:
            if least > most:
                raise ValueError(f"{shown(text)} ends before it begins.")
            return Span(least, most)
    raise ValueError(f"{shown(text)} cannot be read; {right}")


def time_span(text: str, zone: tzinfo) -> Span:
    """``2026-11-20``, ``2026-11-20..2026-11-21``, ``2026-11-20T14:00..``; a day is all of it. Unix seconds.

    Raises:
        ValueError: it is no such thing; the message says what would be.
    """
    first, dots, last = text.partition("..")
    try:
        least = moment(first, zone)[0] if first.strip() else None
        most = moment(last if dots else first, zone)[1] if (last if dots else first).strip() else None
    except (ValueError, OverflowError):
        raise ValueError(
            f"{shown(text)} cannot be read; write 2026-11-20, 2026-11-20..2026-11-21 or 2026-11-20T14:00..2026-11-20T15:00."
        ) from None
    if least is None and most is None:
        raise ValueError("it has neither a beginning nor an end.")
    if least is not None and most is not None and least >= most:
        raise ValueError(f"{shown(text)} ends before it begins.")
    return Span(least, most)


TIME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(:\d{2})?)?")


def moment(text: str, zone: tzinfo) -> tuple[float, float]:
    """The first and the last moment of a day, a minute or a second, in Unix seconds.

    Raises:
        ValueError: it is no time.
    """
    match = TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError("no time")
    start = datetime.fromisoformat(text.strip()).replace(tzinfo=zone)
    length = timedelta(days=1) if not match[2] else timedelta(seconds=1) if match[3] else timedelta(minutes=1)
    # By the calendar: the day on which clocks change is not as long as others.
    found = start.timestamp(), (start + length).timestamp()
    if not all(math.isfinite(each) and each >= 0 for each in found):
        raise ValueError("no time that a clock shows")
    return found
