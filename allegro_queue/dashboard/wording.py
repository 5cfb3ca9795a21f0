"""Words as the pages write them: sentences with names and figures put in, and names as markup."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from allegro_queue.wording import END, ISOLATE, apart, may_turn, worded

__all__ = ["END", "ISOLATE", "apart", "bdi", "capitalized", "may_turn", "worded"]


def capitalized(words: str) -> str:
    """With a capital, and the rest as it is."""
    return words[:1].upper() + words[1:]


def bdi(words: str) -> SafeString | str:
    """The same as markup, for templates."""
    return format_html("<bdi>{}</bdi>", words) if may_turn(str(words)) else words
