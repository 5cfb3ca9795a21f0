"""What any database takes as text."""

from __future__ import annotations


def storable(text: str) -> str:
    """Without what PostgreSQL does not take in a text: NUL and lone halves of characters."""
    if text.isascii():
        return text.replace("\x00", "")
    return text.replace("\x00", "").encode(errors="replace").decode()
