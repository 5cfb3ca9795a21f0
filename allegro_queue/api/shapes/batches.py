"""Batches: jobs that are counted together."""

from __future__ import annotations

from typing import Annotated

from ninja import Path, Schema
from pydantic import Field

from allegro_queue.api.shapes.given import JOB_ID, Paging

BatchId = Annotated[str, Path(max_length=200, pattern=JOB_ID)]


class BatchesAsked(Paging):
    open: bool = Field(False, description="Only those that have not ended.")


class FollowingShape(Schema):
    moment: str = Field(description="`then`, `catch` or `finally`.")
    job_id: str
    queued_at: float | None


class BatchShape(Schema):
    id: str
    name: str
    created_at: float
    total: int
    pending: int
    succeeded: int
    failed: int
    skipped: int
    dropped: int = Field(description="Jobs that were deleted before they had run.")
    percent: int = Field(description="Of the jobs that have ended, whatever came of them.")
    allow_failures: bool
    is_filling: bool
    cancelled_at: float | None
    cancelled_by: str = Field(description="A person's name; `failure` or `sender` when it stopped by itself.")
    finished_at: float | None
    following: list[FollowingShape]


class Batches(Schema):
    batches: list[BatchShape]
    total: int
    after: str | None


class BatchDetail(BatchShape):
    failed_ids: list[str] = Field(description="The newest 50.")
    skipped_ids: list[str] = Field(description="The newest 50.")
    open_ids: list[str] = Field(description="Some of those that have not ended; 50 at most.")
