"""Jobs, in Redis now."""

from __future__ import annotations

from typing import Any

from ninja import Schema
from pydantic import Field

from allegro_queue.api.shapes.given import Given, Paging, words
from allegro_queue.stores.jobs import State


class JobsWanted(Given):
    state: State = State.WAITING
    queue: str = words("Only this queue.", 255)
    q: str = words("Part of a function's name.")


class JobsAsked(JobsWanted, Paging):
    q: str = words("Part of a function's name; the newest 1,000 jobs of the state are looked at.")


class JobShape(Schema):
    id: str
    name: str
    queue: str
    status: str = Field(description="RQ's word.")
    created_at: float | None
    enqueued_at: float | None
    started_at: float | None
    ended_at: float | None
    due_at: float | None
    wait_seconds: float | None
    run_seconds: float | None
    worker: str
    timeout: int | None
    retries_left: int
    error: str


class Jobs(Schema):
    jobs: list[JobShape]
    total: int = Field(description="Of this state; of a search, the matches.")
    searched: int | None = Field(description="Jobs that a search looked at.")
    after: str | None = Field(description="For the next page; null on the last.")


class AttemptShape(Schema):
    result: str
    started_at: float | None
    ended_at: float | None
    worker: str
    error: str
    traceback: str


class JobDetailShape(JobShape):
    arguments: list[Any] | None = Field(description="Masked; null without the right view_payload.")
    keywords: dict[str, Any] | None = Field(description="Masked; null without the right view_payload.")
    result: Any = Field(description="Of the newest attempt; masked; null without the right view_payload.")
    hidden: str = Field(description="Why arguments and result are not shown; empty when they are.")
    attempts: list[AttemptShape] = Field(description="Newest first.")
    expires_in: float | None
