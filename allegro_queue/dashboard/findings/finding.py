"""One thing that is not as it should be. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

PAGES = {
    "workers": gettext_noop("Workers"),
    "schedule": gettext_noop("Schedule"),
    "metrics": gettext_noop("Metrics"),
    "queues": gettext_noop("Queues"),
    "health": gettext_noop("Health"),
}
"""What the pages that findings name are called."""


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
    remedy: str
    """What to do, in words that lead to the command."""
    command: str
    """What to type for it, or to see more."""

    @property
    def line(self) -> str:
        return self.cause or self.headline

    @property
    def page_words(self) -> str:
        return gettext(PAGES[self.page])


def whole(seconds: float) -> float:
    """Without its fraction from a second up, since a sentence needs no tenths."""
    return float(int(seconds)) if seconds >= 1 else max(seconds, 0.0)


def sentence_of(words: str) -> str:
    """With a stop at its end, if it has none."""
    return words if words.endswith((".", "?", "!")) else f"{words}."
