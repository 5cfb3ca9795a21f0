"""Cron entries."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field

from allegro_queue.stores.entries import EntryPause


class Account(Schema):
    """What became of one time of an entry, or of several that fared the same."""

    what: str
    due_at: float
    at: float
    job_id: str = ""
    reason: str = ""
    count: int = 1
    since: float | None = None
    by: str = ""
    result: str = ""
    ended_at: float | None = None
    seconds: float | None = None


class EntryShape(Schema):
    name: str
    job: str
    queue: str
    line: str
    in_words: str
    zone: str
    enabled: bool
    source: str
    next_at: float | None
    late_seconds: float
    error: str
    runs: int
    missed: int
    skipped: int
    pause: EntryPause | None
    last: Account | None


class EntryDetail(EntryShape):
    coming: list[float]
    accounts: list[Account]


class FaultShape(Schema):
    name: str
    fault: str


class Schedule(Schema):
    entries: list[EntryShape]
    faults: list[FaultShape] = Field(description="Entries of the database that cannot run.")
