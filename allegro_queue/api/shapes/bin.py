"""Deleted jobs that can come back."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field

from allegro_queue.api.shapes.bulk_runs import Ids
from allegro_queue.api.shapes.given import Given
from allegro_queue.dashboard.acting.chosen import MOST_TICKED


class BinnedShape(Schema):
    id: str
    name: str
    queue: str
    status: str = Field(description="What it was; RQ's word.")
    deleted_at: float
    restorable_until: float


class Binned(Schema):
    jobs: list[BinnedShape]
    total: int
    after: str | None


class RestoreAsked(Given):
    ids: Ids = Field(min_length=1, max_length=MOST_TICKED)
