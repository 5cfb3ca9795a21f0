"""What was counted."""

from __future__ import annotations

from typing import Literal

from ninja import Schema
from pydantic import Field

from allegro_queue.api.shapes.given import PLAIN, Given
from allegro_queue.history.rows import LATEST


class MetricsAsked(Given):
    kind: Literal["queue", "job", "tag"] = "queue"
    name: str = Field(min_length=1, max_length=255, pattern=PLAIN)
    seconds: Literal[300, 3600, 86400] = Field(300, description="Length of a stretch.")
    since: float | None = Field(None, ge=0, le=LATEST, description="Null: 100 stretches ago.")
    until: float | None = Field(None, ge=0, le=LATEST)


class NamesAsked(Given):
    kind: Literal["queue", "job", "tag"] = "job"


class Times(Schema):
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None


class PointShape(Schema):
    starts_at: float
    started: int
    succeeded: int
    failed: int
    retried: int
    stopped: int
    runtime: Times
    wait: Times
    depth: int | None = Field(description="Most jobs that a snapshot saw waiting.")
    oldest_seconds: float | None


class Metrics(Schema):
    kind: str
    name: str
    seconds: int
    counted_until: float = Field(description="Every run until then is counted.")
    points: list[PointShape] = Field(description="Oldest first; stretches without runs are left out.")


class Names(Schema):
    names: list[str]
