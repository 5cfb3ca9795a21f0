"""How states of jobs and outcomes of runs are shown: tone, icon and word. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LOOKS: Mapping[str, tuple[str, str, str]] = {
    "queued": ("idle", "wait", "Waiting"),
    "started": ("run", "run", "Running"),
    "scheduled": ("idle", "wait", "Scheduled"),
    "deferred": ("idle", "wait", "Deferred"),
    "finished": ("ok", "ok", "Finished"),
    "succeeded": ("ok", "ok", "Finished"),
    "failed": ("bad", "bad", "Failed"),
    "retried": ("run", "retry", "Retried"),
    "lost": ("bad", "unknown", "Lost"),
    "stopped": ("idle", "idle", "Stopped"),
    "canceled": ("idle", "idle", "Cancelled"),
}
"""By RQ's status, or by a run's outcome. One that we have no word for is shown in its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a state is shown."""

    tone: str
    icon: str
    word: str


def look_of(status: str) -> Look:
    tone, icon, word = LOOKS.get(status, ("idle", "unknown", f"Unknown: {status or 'no state'}"))
    return Look(tone=tone, icon=icon, word=word)
