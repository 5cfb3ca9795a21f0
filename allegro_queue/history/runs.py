"""Runs as they are read: one attempt as a list shows it, and with its traceback where one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from allegro_queue.history.database import alias
from allegro_queue.history.models import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """One attempt, as a list shows it. Texts are masked. Times are Unix seconds."""

    id: int
    execution_id: str
    job_id: str
    name: str
    queue: str
    supervisor: str
    worker: str
    host: str
    tenant: str
    batch: str
    tags: tuple[str, ...]
    attempt: int
    enqueued_at: float
    """0 when not known."""
    started_at: float
    ended_at: float
    outcome: str
    """``succeeded``, ``failed``, ``retried``, ``stopped`` or ``lost``."""
    silenced: bool
    exception: str
    message: str
    fingerprint: str
    """Of its failure group; empty when it did not fail."""
    arguments: str
    version: str
    traceback: str = ""
    """Only where one job is asked for."""

    @property
    def run_seconds(self) -> float:
        return max(self.ended_at - self.started_at, 0.0)

    @property
    def wait_seconds(self) -> float | None:
        """``None`` when it is not known when it was queued."""
        return max(self.started_at - self.enqueued_at, 0.0) if self.enqueued_at else None


LISTED = tuple(each.name for each in fields(RunRow) if each.name != "traceback")

SELECTED = ", ".join(f"run.{each}" for each in LISTED)
"""The same, as a statement asks for them."""

COMPARED_BY = f"{SELECTED}, run.words"
"""All that a run can be asked by. Not its traceback, which is long."""


def row_from(values: Sequence[Any]) -> RunRow:
    """A row of the list."""
    given = dict(zip(LISTED, values, strict=True))
    given["tags"] = tuple(each for each in given["tags"].split("\n") if each)
    given["silenced"] = bool(given["silenced"])
    return RunRow(**given)


def runs_of_job(job_id: str, *, most: int = 100) -> list[RunRow]:
    """Every attempt of a job that is kept, the first first, with its traceback."""
    rows = Run.objects.using(alias()).filter(job_id=job_id).order_by("-id").values_list("traceback", *LISTED)[:most]
    found = []
    for traceback, *values in rows:
        row = row_from(values)
        found.append(RunRow(**{each: getattr(row, each) for each in LISTED}, traceback=traceback))
    return found[::-1]


def run_at(number: int) -> RunRow | None:
    """The run of this id, with its traceback; ``None`` when it is not kept any more."""
    row = Run.objects.using(alias()).filter(id=number).values_list("traceback", *LISTED).first()
    if row is None:
        return None
    traceback, *values = row
    found = row_from(values)
    return RunRow(**{each: getattr(found, each) for each in LISTED}, traceback=traceback)
