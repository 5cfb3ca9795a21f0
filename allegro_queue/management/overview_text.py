"""The overview as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from allegro_queue.dashboard.overview.page import OverviewPage
from allegro_queue.dashboard.page.formats import DASH, about, count, duration, rate, until
from allegro_queue.stores.pulse import Pulse

WORKERS_SHOWN = 10

STYLES = {"ok": "32", "run": "36", "warn": "33", "bad": "31;1", "quiet": "2", "strong": "1", "idle": "2", "": ""}
"""Codes of the terminal by tone."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line and how it looks."""

    text: str
    tone: str = ""

    def drawn(self, width: int, *, colours: bool) -> str:
        """The line as it is written, cut to a width (0: whole)."""
        shown = printable(self.text)
        if width and len(shown) > width:
            shown = shown[: width - 1] + "…"
        code = STYLES.get(self.tone, "")
        return f"\x1b[{code}m{shown}\x1b[0m" if colours and code else shown


def printable(text: str) -> str:
    """Without control characters: a terminal obeys them, and an error's text may come from anywhere."""
    return "".join(each if each.isprintable() else "�" for each in text)


def overview_lines(page: OverviewPage, pulse: Pulse, environment: str, clock: Callable[[float], str]) -> Iterator[Line]:
    """The whole overview, what matters first."""
    yield Line(f"Horizon  {environment}  {clock(pulse.at)}", "quiet")
    yield Line(page.verdict.sentence, page.verdict.tone)
    for cause in page.verdict.causes:
        yield Line(f"  {cause.line}", cause.tone)
    if page.verdict.more:
        yield Line(f"  and {page.verdict.more} more", "quiet")
    if page.verdict.remedy or page.verdict.command:
        yield Line(f"  {page.verdict.remedy} {page.verdict.command}".rstrip())
    if page.verdict.note:
        yield Line(f"  {page.verdict.note}", "quiet")
    yield Line("")
    for tile in page.tiles:
        yield Line(
            f"{tile.label:<18}{f'{tile.value} {tile.unit}'.strip():<14}{tile.note}",
            tile.tone if tile.tone == "bad" else "",
        )
    yield Line("")
    yield from queue_lines(page)
    yield from worker_lines(pulse)
    yield from failure_lines(page, clock)
    yield from coming_lines(page, pulse)


def queue_lines(page: OverviewPage) -> Iterator[Line]:
    rows = [
        [
            row.pulse.name,
            count(row.pulse.waiting),
            about(row.oldest_seconds) if row.oldest_seconds is not None else DASH,
            count(row.pulse.running),
            rate(row.per_minute) if row.per_minute is not None else DASH,
            count(row.failed_last_hour) if row.failed_last_hour is not None else DASH,
            str(row.workers),
            row.state.word,
        ]
        for row in page.queues
    ]
    head = ["QUEUE", "WAITING", "OLDEST", "RUNNING", "PER MIN", "FAILED/H", "WORKERS", "STATE"]
    yield from table(head, rows, [row.state.tone for row in page.queues])


def worker_lines(pulse: Pulse) -> Iterator[Line]:
    """Who works, the longest first."""
    busy = sorted((each for each in pulse.workers if each.job_id), key=lambda each: each.job_started_at)
    rows = [
        [
            each.name,
            each.job_name,
            each.job_queue,
            duration(max(pulse.at - each.job_started_at, 0.0)),
            duration(each.job_timeout) if each.job_timeout > 0 else "no limit",
        ]
        for each in busy[:WORKERS_SHOWN]
    ]
    if rows:
        yield Line("")
        yield from table(["WORKER", "JOB", "QUEUE", "RUNS FOR", "OF"], rows)
    if len(busy) > WORKERS_SHOWN:
        yield Line(f"and {count(len(busy) - WORKERS_SHOWN)} more at work", "quiet")


def failure_lines(page: OverviewPage, clock: Callable[[float], str]) -> Iterator[Line]:
    rows = [
        [clock(each.row.last_at), count(each.row.count), each.row.name, f"{each.row.exception}: {each.row.message}"]
        for each in page.failures
    ]
    if rows:
        yield Line("")
        yield from table(["LAST FAILED", "TIMES", "JOB", "ERROR"], rows)


def coming_lines(page: OverviewPage, pulse: Pulse) -> Iterator[Line]:
    rows = [
        [row.entry.name, until(row.next_at, pulse.at), row.in_words]
        for row in page.next_runs
        if row.next_at is not None
    ]
    if rows:
        yield Line("")
        yield from table(["NEXT", "WHEN", "IN WORDS"], rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], tones: Sequence[str] = ()) -> Iterator[Line]:
    """Columns aligned by spaces."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    for place, row in enumerate([head, *rows]):
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        tone = "strong" if place == 0 else tones[place - 1] if tones and tones[place - 1] in ("bad", "warn") else ""
        yield Line(text, tone)
