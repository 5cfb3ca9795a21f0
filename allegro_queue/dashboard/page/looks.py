"""How states of jobs and outcomes of runs are shown: tone, icon and word. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import get_language, gettext, gettext_noop

from allegro_queue.wording import worded

LOOKS: Mapping[str, tuple[str, str, str]] = {
    "queued": ("idle", "wait", gettext_noop("Waiting")),
    "started": ("run", "run", gettext_noop("Running")),
    "scheduled": ("idle", "wait", gettext_noop("Scheduled")),
    "deferred": ("idle", "wait", gettext_noop("Deferred")),
    "finished": ("ok", "ok", gettext_noop("Finished")),
    "succeeded": ("ok", "ok", gettext_noop("Finished")),
    "failed": ("bad", "bad", gettext_noop("Failed")),
    "retried": ("run", "retry", gettext_noop("Retried")),
    "lost": ("bad", "unknown", gettext_noop("Lost")),
    "stopped": ("idle", "idle", gettext_noop("Stopped")),
    "canceled": ("idle", "idle", gettext_noop("Cancelled")),
}
"""By RQ's status, or by a run's outcome. One that we have no word for is shown in its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a state is shown."""

    tone: str
    icon: str
    word: str


def look_of(status: str) -> Look:
    return look_in(status, get_language())


@lru_cache(maxsize=200)
def look_in(status: str, language: str | None) -> Look:
    """The same, kept: there are few of them, and a list has one in each row."""
    tone, icon, word = LOOKS.get(status, ("idle", "unknown", ""))
    return Look(
        tone=tone,
        icon=icon,
        word=gettext(word) if word else worded(gettext("Unknown: {state}"), state=status or gettext("no state")),
    )
