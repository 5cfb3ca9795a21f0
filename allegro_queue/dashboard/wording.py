"""Words as the pages need them: sentences, and names as markup."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

from allegro_queue.sentences import END as END
from allegro_queue.sentences import ISOLATE as ISOLATE
from allegro_queue.sentences import apart as apart
from allegro_queue.sentences import may_turn
from allegro_queue.sentences import worded as worded
from allegro_queue.sentences import worded_lazy as worded_lazy


def capitalized(words: str) -> str:
    """With a capital, and the rest as it is."""
    return words[:1].upper() + words[1:]


def bdi(words: str) -> SafeString | str:
    """A name as markup, kept apart as ``apart`` does in text."""
    return format_html("<bdi>{}</bdi>", words) if may_turn(str(words)) else words
