"""Attempts that have ended."""

from __future__ import annotations

from typing import Literal

from ninja import Schema
from pydantic import Field

from allegro_queue.api.shapes.given import Given, Paging, words
from allegro_queue.history.rows import LATEST
from allegro_queue.history.runs import RunRow


class RunsWanted(Given):
    outcome: list[Literal["succeeded", "failed", "retried", "stopped", "lost"]] = Field([], description="Any of these.")
    queue: str = words("", 255)
    name: str = words("Dotted path of the function.", 255)
    tag: str = words("", 255)
    tenant: str = words("", 255)
    batch: str = words("", 255)
    exception: str = words("", 255)
    fingerprint: str = words("Of a failure group.", 64)
    job_id: str = words("", 255)
    worker: str = words("", 255)
    host: str = words("", 255)
    q: str = words("Words that all stand in name, tags, error or arguments.")
    filter: str = words(
        "As one types it on the job list: `state:failed run:>30s -queue:high`; then no other filter.", 500
    )
    silenced: bool | None = None
    since: float = Field(0, ge=0, le=LATEST)
    until: float = Field(0, ge=0, le=LATEST, description="0 for no end.")


class RunsAsked(RunsWanted, Paging):
    """A page of them."""


class Runs(Schema):
    runs: list[RunRow]
    after: str | None
    searched_to: float | None = Field(description="Up to when it looked, when it stopped before the page was full.")
