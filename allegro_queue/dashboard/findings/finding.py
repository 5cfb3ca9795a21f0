"""One thing that is not as it should be. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    tone: str
    """``bad``: jobs do not run. ``warn``: somebody should look."""
    headline: str
    """As the page's sentence."""
    cause: str
    """As one line under another sentence."""
    page: str = ""
    """Name of the page that shows more."""
    remedy: str = ""
    """What to do, in words that lead to the command."""
    command: str = ""

    @property
    def line(self) -> str:
        return self.cause or self.headline


def whole(seconds: float) -> float:
    """Without its fraction from a second up, since a sentence needs no tenths."""
    return float(int(seconds)) if seconds >= 1 else max(seconds, 0.0)


def sentence_of(words: str) -> str:
    """With a stop at its end, if it has none."""
    return words if words.endswith((".", "?", "!")) else f"{words}."
