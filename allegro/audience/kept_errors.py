"""Errors as rows keep them: in English, and beside it as a telling, which each reader has told in their own language."""

from __future__ import annotations

from typing import Any

from allegro_queue.tellings import Telling, read_telling

LONGEST = 500
"""Letters of an error that are kept."""


def error_columns(said: Telling | None, name: str = "error") -> dict[str, Any]:
    """Both columns; none of either when there is no error."""
    if said is None:
        return {name: "", f"{name}_said": None}
    english, data = said.as_columns(LONGEST)
    return {name: english, f"{name}_said": data}


def error_words(said: Any, english: str) -> str:
    """What they tell; empty when there is no error."""
    return read_telling(said, english).words if english else ""
