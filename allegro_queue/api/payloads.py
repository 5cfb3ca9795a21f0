"""Payloads as data, with what is private masked by the same rules as on the pages. Pure."""

from __future__ import annotations

import math
from typing import Any

from allegro_queue.masking import masked, rule_for_key

DEEPEST = 12
MOST_ITEMS = 100
LONGEST_TEXT = 2_000


def masked_value(value: Any, depth: int = 0) -> Any:
    """A JSON value without what is hidden, and cut where it is very long or deep."""
    if isinstance(value, str):
        more = f" … {len(value) - LONGEST_TEXT:,} characters more" if len(value) > LONGEST_TEXT else ""
        return masked(value[:LONGEST_TEXT]) + more
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict | list) and value and depth >= DEEPEST:
        return "[nested too deep to show]"
    if isinstance(value, dict):
        shown = {
            masked(key[:LONGEST_TEXT]): by_name(key, each, depth) for key, each in list(value.items())[:MOST_ITEMS]
        }
        return {**shown, "…": f"{len(value) - MOST_ITEMS:,} more"} if len(value) > MOST_ITEMS else shown
    if isinstance(value, list):
        items = [masked_value(each, depth + 1) for each in value[:MOST_ITEMS]]
        return [*items, f"… {len(value) - MOST_ITEMS:,} more"] if len(value) > MOST_ITEMS else items
    return value


def by_name(key: str, value: Any, depth: int) -> Any:
    """A value that goes by a name; hidden as a whole when its name says so."""
    rule = rule_for_key(key)
    if rule and value not in (None, "", [], {}):
        return f"[masked: {rule}]"
    return masked_value(value, depth + 1)
