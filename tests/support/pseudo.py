"""A language in which each text that went through gettext shows its marks, so that what did not is seen.

Hebrew's place is taken, since its pages also keep names apart (as ``<bdi>``), and stand in the list of languages.
"""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.utils import translation

OPEN, CLOSE = "⟦", "⟧"
LANGUAGE = "he"

SHOWN = ("aria-label", "placeholder", "title", "data-label", "alt")
"""Attributes that are read out or shown."""

EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def speak(patch: pytest.MonkeyPatch) -> None:
    """Let every text of gettext come in marks, for readers of the language whose place is taken."""

    def marked(message: str) -> str:
        message = str(message)
        return f"{OPEN}{message}{CLOSE}" if message and translation.get_language() == LANGUAGE else message

    def one_or_many(one: str, many: str, number: float) -> str:
        return marked(one if number == 1 else many)

    found = translation._trans  # type: ignore[attr-defined]
    patch.setattr(found, "gettext", marked, raising=False)
    patch.setattr(found, "ngettext", one_or_many, raising=False)
    patch.setattr(found, "pgettext", lambda context, message: marked(message), raising=False)
    patch.setattr(found, "npgettext", lambda context, one, many, number: one_or_many(one, many, number), raising=False)


class Unmarked(HTMLParser):
    """The texts of a page that stand outside of all marks, each with the elements that it stands in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.inside: list[str] = []
        self.depth = 0
        """How many marks are open: a text may hold markup, and so several pieces of text."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in EMPTY:
            self.inside.append(tag)
        for name, value in attrs:
            if value and (
                name in SHOWN or (tag == "input" and name == "value" and dict(attrs).get("type") == "submit")
            ):
                [outside, left] = without_marked(value, 0)
                assert left == 0, value
                self.note(outside, f"@{name}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self.inside.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.inside):
            outside, self.depth = without_marked(data, self.depth)
            self.note(outside)

    def note(self, pieces: list[str], *where: str) -> None:
        for piece in pieces:
            if any(letter.isalpha() for letter in piece):
                self.found.append((" ".join(piece.split()), (*self.inside, *where)))


def without_marked(text: str, depth: int) -> tuple[list[str], int]:
    """The pieces of a text that are in no marks, and how many marks are open at its end."""
    pieces, piece = [], ""
    for letter in text:
        if letter == OPEN:
            depth += 1
        elif letter == CLOSE:
            depth -= 1
        elif not depth:
            piece += letter
            continue
        pieces.append(piece)
        piece = ""
    return [*pieces, piece], depth


def letters_outside(text: str) -> str:
    """The pieces of a text with letters that are in no marks; empty when all of it went through gettext."""
    pieces, depth = without_marked(text, 0)
    assert depth == 0, text
    return " ".join(piece.strip() for piece in pieces if any(letter.isalpha() for letter in piece))


def unmarked(page: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = Unmarked()
    parser.feed(page)
    parser.close()
    assert parser.depth == 0, "a mark is left open"
    return parser.found
