"""Translated sentences with names and figures put in, each of which keeps its own direction of writing."""

from __future__ import annotations

import unicodedata

from django.utils.functional import Promise
from django.utils.translation import get_language_bidi

ISOLATE, END = "\u2068", "\u2069"
"""What stands between them is laid out by itself, in the direction of its own first letter."""


def worded(text: str | Promise, /, **places: object) -> str:
    """A translated text with its ``{places}`` filled in."""
    turns = get_language_bidi()
    return str(text).format(
        **{
            name: f"{ISOLATE}{words}{END}" if turned(words, turns) else words
            for name, words in ((name, str(each)) for name, each in places.items())
        }
    )


def apart(words: str) -> str:
    """Words that may be written the other way round than the page, kept from disturbing what stands beside them."""
    return f"{ISOLATE}{words}{END}" if may_turn(words) else words


def may_turn(words: str) -> bool:
    """Whether a text may run against the page's direction: on a page from right to left any may."""
    return turned(words, get_language_bidi())


def turned(words: str, turns: bool) -> bool:
    """The same where it is known whether the page runs from right to left."""
    if turns:
        return bool(words)
    return not words.isascii() and any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in words)
