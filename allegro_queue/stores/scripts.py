"""The Lua scripts of ``lua/``, each in a file whose head says its keys, its arguments and its result."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("lua")


def script(*names: str) -> str:
    """The text of one script, made of these files: what it needs comes first, itself last."""
    return "\n".join((FOLDER / f"{name}.lua").read_text(encoding="utf-8") for name in names)
