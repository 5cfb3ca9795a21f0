"""What queues, processes and single jobs are told."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from allegro_queue.api.shapes.given import Given, words
from allegro_queue.api.shapes.told import Done
from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.stores.controls import Control

REASON = r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$"


class EmptyAsked(Given):
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=REASON)
    until: float | None = Field(None, ge=0, le=2**33, description="Leave alone what was queued later. Null: now.")
    token: UUID | None = Field(None, description="Of your choice: sent again with the same one, it is begun once.")


class MoveQueueAsked(Given):
    to: str = Field(min_length=1, max_length=255, description="Name of the queue that its jobs go to the end of.")
    reason: str = words("For the journal.", LONGEST_REASON)
    until: float | None = Field(None, ge=0, le=2**33, description="Leave alone what was queued later. Null: now.")
    token: UUID | None = Field(None, description="Of your choice: sent again with the same one, it is begun once.")


class ReasonAsked(Given):
    reason: str = words("For the journal.", LONGEST_REASON)


class ControlAsked(Given):
    word: Control
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=REASON)


class EndAsked(Given):
    word: Literal["end", "kill"] = Field(description="`kill` does not wait for its job.")
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=REASON)


class AgainAsked(Given):
    token: UUID | None = Field(None, description="The new job's id: sent again with the same one, it is queued once.")


class OtherAsked(AgainAsked):
    arguments: list[Any] = Field([], max_length=1_000)
    keywords: dict[str, Any] = Field({}, max_length=1_000)


class Queued(Done):
    job_id: str
