"""A JSON value as a tree that can be folded, with what is private masked by rule. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard.charts.parts import legible
from allegro_queue.dashboard.page.formats import count
from allegro_queue.masking import pieces, rule_for_key
from allegro_queue.wording import worded

DEEPEST = 12
MOST_ITEMS = 100
"""Items shown of one list or dict; more are counted in words."""

LONGEST_TEXT = 2_000
OPEN_ITEMS = 20
"""A list or dict of up to this many items is open at first."""


def keyword_tree(keywords: Mapping[str, Any]) -> SafeString:
    """Keyword arguments, a line each."""
    return tree((str(key), value) for key, value in keywords.items())


def argument_tree(arguments: Sequence[Any]) -> SafeString:
    """Positional arguments, numbered as people count."""
    return tree((str(place), value) for place, value in enumerate(arguments, start=1))


def value_tree(value: Any) -> SafeString:
    """One value, a result say."""
    return format_html('<div class="hz-tree">{}</div>', node(value, 0))


def tree(items: Iterable[tuple[str, Any]]) -> SafeString:
    return format_html('<div class="hz-tree">{}</div>', lines(items, 0))


def lines(items: Iterable[tuple[str, Any]], depth: int) -> SafeString:
    given = list(items)
    shown = [(line(key, value, depth),) for key, value in given[:MOST_ITEMS]]
    if len(given) > MOST_ITEMS:
        shown.append(
            (
                format_html(
                    '<li class="hz-quiet">{}</li>', worded(gettext("and {n} more"), n=count(len(given) - MOST_ITEMS))
                ),
            )
        )
    return format_html("<ul>{}</ul>", format_html_join("", "{}", shown))


def line(key: str, value: Any, depth: int) -> SafeString:
    """One item; all of it is hidden when its key says so."""
    rule = rule_for_key(key)
    name = format_html('<span class="hz-key">{}:</span>', masked_text(key[:LONGEST_TEXT]))
    if rule and value not in (None, "", [], {}):
        return format_html("<li>{} {}</li>", name, mask(rule))
    if isinstance(value, dict | list) and value:
        return format_html("<li>{}</li>", folded(name, value, depth))
    return format_html("<li>{} {}</li>", name, node(value, depth))


def node(value: Any, depth: int) -> SafeString:
    """A value without a name."""
    if isinstance(value, str):
        cut = value[:LONGEST_TEXT]
        more = (
            " … " + worded(gettext("{n} characters more"), n=count(len(value) - LONGEST_TEXT))
            if len(value) > LONGEST_TEXT
            else ""
        )
        return format_html('"{}"{}', masked_text(cut, as_json=True), more)
    if isinstance(value, dict | list) and value:
        return folded(SafeString(""), value, depth)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format_html("{}", repr(value))
    return format_html("{}", json.dumps(value))


def folded(name: SafeString, value: dict[str, Any] | list[Any], depth: int) -> SafeString:
    """A list or dict as ``<details>``."""
    text = (
        ngettext("{n} key", "{n} keys", len(value))
        if isinstance(value, dict)
        else ngettext("{n} item", "{n} items", len(value))
    )
    size = worded(text, n=count(len(value)))
    if depth >= DEEPEST:
        return format_html(
            '{} <span class="hz-quiet">{}</span>', name, worded(gettext("{size}, nested too deep to show"), size=size)
        )
    items = value.items() if isinstance(value, dict) else ((str(place), item) for place, item in enumerate(value))
    return format_html(
        "<details{}><summary>{} {}</summary>{}</details>",
        SafeString(" open") if len(value) <= OPEN_ITEMS else "",
        name,
        size,
        lines(items, depth + 1),
    )


def masked_text(text: str, as_json: bool = False) -> SafeString:
    """A text with a mask over each private stretch.

    Args:
        as_json: whether quotes and line breaks are written as JSON has them.
    """
    return format_html_join(
        "", "{}", ((mask(each.rule) if each.rule else stretch(each.text, as_json),) for each in pieces(text))
    )


def stretch(text: str, as_json: bool) -> SafeString:
    return legible(json.dumps(text, ensure_ascii=False)[1:-1] if as_json else text)


def mask(rule: str) -> SafeString:
    return format_html('<span class="hz-mask">{}</span>', worded(gettext("masked: {rule}"), rule=rule))
