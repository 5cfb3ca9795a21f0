"""What Redis answers, as text. redis-py gives bytes or text, as the client was made; readers need not care."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Reply = bytes | str


def text(reply: Any) -> str:
    """A name, as text; bytes that are not UTF-8 are shown with replacement marks."""
    return reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)


def texts(replies: Iterable[Any]) -> list[str]:
    """Names, as text."""
    return [text(reply) for reply in replies]
