"""Names as markup, and words at the beginning of a sentence."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from allegro_queue.wording import may_turn


def capitalized(words: str) -> str:
    """With a capital, and the rest as it is."""
    return words[:1].upper() + words[1:]


def bdi(words: str) -> SafeString | str:
    """A name as markup, kept apart as ``apart`` does in text."""
    return format_html("<bdi>{}</bdi>", words) if may_turn(str(words)) else words
