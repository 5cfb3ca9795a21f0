"""The Lua scripts of ``lua/``, each in a file whose head says its keys, its arguments and its result."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("lua")


@cache
def script(*names: str) -> str:
    """The text of one script, made of these files: what it needs comes first, itself last.

    Read once, by the parent of the processes that share it.
    """
    return "\n".join((FOLDER / f"{name}.lua").read_text(encoding="utf-8") for name in names)
