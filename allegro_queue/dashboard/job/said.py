"""What a job says of itself, as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.page.formats import count
from allegro_queue.job_notes import Progress
from allegro_queue.stores import Stores
from allegro_queue.wording import worded

TONES = {"WARNING": "warn", "ERROR": "bad", "CRITICAL": "bad"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One log line."""

    at: float
    level: str
    tone: str
    logger: str
    attempt: int
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Notes:
    """How far it says it is, and what it logged."""

    progress: Progress | None
    words: str
    """``3 of 10 (30 %)``."""
    bar: SafeString | str
    """Empty when it does not know how much there is."""
    lines: tuple[Line, ...]
    left_out: int


def read_notes(stores: Stores, job_id: str) -> Notes:
    """What a job has said: one round trip."""
    said = stores.notes.of(job_id)
    progress = said.progress
    return Notes(
        progress=progress,
        words=words_of(progress) if progress else "",
        bar=charts.share_bar(progress.done / progress.total) if progress and progress.total else "",
        lines=tuple(
            Line(
                at=line.at,
                level=line.level,
                tone=TONES.get(line.level, ""),
                logger=line.logger,
                attempt=line.attempt,
                words=line.words,
            )
            for line in said.lines
        ),
        left_out=said.left_out,
    )


def words_of(progress: Progress) -> str:
    """How far, in words; a job that says more than all is taken at its word."""
    if not progress.total:
        return worded(gettext("{n} done"), n=number(progress.done))
    share = int(100 * progress.done / progress.total)
    return worded(
        gettext("{done} of {total} ({percent} %)"),
        done=number(progress.done),
        total=number(progress.total),
        percent=share,
    )


def number(value: float) -> str:
    """``12,431``; one decimal where there is a fraction."""
    return count(int(value)) if value == int(value) else f"{value:,.1f}"
