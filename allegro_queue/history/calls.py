"""The call of a run as it may be kept: taken apart, masked, cut short. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from allegro_queue.masking import masked, rule_for_key

LONGEST = 500
"""Characters kept of a call."""

LONGEST_TEXT = 200
MOST_ITEMS = 20
DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Call:
    """A job's arguments."""

    arguments: list[Any] = field(default_factory=list)
    keywords: dict[str, Any] = field(default_factory=dict)
    cut: bool = False
    """Whether there were more."""


NO_CALL = Call()


def read_call(text: str) -> Call:
    """The arguments of a call's JSON, be it all that RQ keeps of it or the arguments alone, whole or cut short.

    What cannot be read is left out: without names there is no saying what is private.
    """
    cut = False
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        cut = True
        try:
            found = json.loads(closed(text))
        except (ValueError, RecursionError):
            return NO_CALL
    if isinstance(found, dict):
        return Call([], found, cut)
    if not isinstance(found, list):
        return NO_CALL
    # RQ's own: name, instance, arguments, keywords.
    if found and isinstance(found[0], str) and len(found) <= 4 and (len(found) < 3 or isinstance(found[2], list)):
        found = found[2:]
    arguments = found[0] if found and isinstance(found[0], list) else []
    keywords = found[1] if len(found) > 1 and isinstance(found[1], dict) else {}
    return Call(arguments, keywords, cut)


Open = tuple[str, "Open"] | None


def closed(text: str) -> str:
    """A JSON text that was cut short, up to its last whole value, with what stands open closed."""
    # What stands open is a chain, the innermost first, so that remembering it copies nothing.
    open_: Open = None
    best: tuple[int, Open] = (0, None)
    in_text = escaped = False
    for place, letter in enumerate(text):
        if in_text:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == '"':
                in_text = False
            continue
        if letter == '"':
            in_text = True
        elif letter in "[{":
            open_ = ("]" if letter == "[" else "}", open_)
            best = (place + 1, open_)
        elif letter in "]}":
            if open_ is None or open_[0] != letter:
                return ""
            open_ = open_[1]
            best = (place + 1, open_)
        elif letter == ",":
            best = (place, open_)
    end, open_ = best
    closing = []
    while open_ is not None:
        closer, open_ = open_
        closing.append(closer)
    return text[:end] + "".join(closing)


def preview(call: Call) -> str:
    """A call as masked JSON: positional arguments, then keywords; empty when it has none."""
    parts: list[Any] = [redacted(each, 1) for each in call.arguments[:MOST_ITEMS]]
    if call.keywords:
        parts.append(redacted(call.keywords, 1))
    if not parts:
        return ""
    text = json.dumps(parts, ensure_ascii=False)[1:-1]
    if len(text) > LONGEST:
        return text[: LONGEST - 2] + " …"
    return text + (" …" if call.cut or len(call.arguments) > MOST_ITEMS else "")


def redacted(value: Any, depth: int) -> Any:
    """A value without what is private, long or deep."""
    if isinstance(value, str):
        return masked(value[:LONGEST_TEXT])
    if isinstance(value, list | dict) and depth >= DEEPEST:
        return "…"
    if isinstance(value, list):
        return [redacted(each, depth + 1) for each in value[:MOST_ITEMS]]
    if isinstance(value, dict):
        return {
            masked(key[:LONGEST_TEXT]): f"[masked: {rule}]"
            if (rule := rule_for_key(key)) and each not in (None, "", [], {})
            else redacted(each, depth + 1)
            for key, each in list(value.items())[:MOST_ITEMS]
        }
    return value
