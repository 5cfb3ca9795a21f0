"""Quotes in a filter: they keep together what they enclose. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_SHOWN = 40
"""Characters of what was typed that a problem repeats."""


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


def split_at_commas(text: str) -> list[str]:
    """The values of a term, with their quotes; commas in quotes are part of one."""
    found = [""]
    for letter in letters(text)[0]:
        if letter.says == "," and not letter.is_quoted:
            found.append("")
        else:
            found[-1] += text[letter.place]
    return found


def is_closed(piece: str) -> bool:
    return letters(piece)[1]


def unquoted(text: str) -> str:
    """Without its quotes and the backslashes in them."""
    return "".join(letter.says for letter in letters(text)[0])


def quoted(value: str, special: str) -> str:
    """In quotes, if something in it matches the pattern."""
    if not re.search(special, value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def shown(piece: str) -> str:
    return f"“{piece[:LONGEST_SHOWN]}{'…' if len(piece) > LONGEST_SHOWN else ''}”"
