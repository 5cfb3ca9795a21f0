"""Acting on many jobs: which ones, and how far it is."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from allegro_queue.api.shapes.given import JOB_ID, Given, Paging, words
from allegro_queue.bulk import words as run_words
from allegro_queue.bulk.models import BulkRun
from allegro_queue.dashboard.acting.chosen import LONGEST_REASON, LONGEST_WORDS, MOST_PER_MINUTE, MOST_TICKED
from allegro_queue.history.rows import LATEST

ActWord = Literal["retry", "delete", "cancel", "move", "restore"]
StateWord = Literal["waiting", "scheduled", "deferred", "finished", "failed"]
ResultWord = Literal["done", "gone", "running", "later", "barred", "other"]
Ids = list[Annotated[str, Field(pattern=JOB_ID)]]


class Matching(Given):
    """What jobs have in common. What is left out asks for nothing; all that is given must hold."""

    state: StateWord | None = Field(None, description="Null: the act's usual one, failed or waiting.")
    queue: str = words("Only this queue.", 255)
    q: str = words("Part of the function's name.", LONGEST_WORDS)
    name: str = words("Dotted path of the function.", LONGEST_WORDS)
    tag: str = words("Of a run, as the fields that follow.", LONGEST_WORDS)
    text: str = words("Words as in `runs`; needs view_payload, too.", LONGEST_WORDS)
    exception: str = words("", LONGEST_WORDS)
    fingerprint: str = words("Of a failure group.", 64)
    tenant: str = words("", LONGEST_WORDS)
    batch: str = words("", LONGEST_WORDS)


class CountAsked(Matching):
    act: Literal["retry", "delete", "cancel", "move"] = "retry"


class Counted(Schema):
    count: int
    is_more: bool = Field(description="There are more than that.")
    at: float = Field(description="Give it as `until`, and what comes meanwhile is not swept in.")


class ManyAsked(Matching):
    """Jobs: those named, or all that match."""

    ids: Ids = Field([], max_length=MOST_TICKED)
    all: bool = Field(False, description="All that match; then no ids.")
    until: float | None = Field(
        None, ge=0, le=LATEST, description="Leave alone what came into its state later. Null: now."
    )
    count: int | None = Field(
        None, ge=0, lt=10**8, description="How many are meant. Deleting more than one must say it, as counted."
    )
    reason: str = words("For the journal. Deleting or cancelling more than one needs it.", LONGEST_REASON)
    per_minute: int | None = Field(None, ge=1, le=MOST_PER_MINUTE, description="At most so many a minute.")
    token: UUID | None = Field(None, description="Of your choice: sent again with the same one, it is begun once.")


class MoveAsked(ManyAsked):
    to: str = Field(min_length=1, max_length=255, description="Name of the queue that they go to the end of.")


class BulkRunShape(Schema):
    id: int
    act: ActWord
    subject: str
    to: str = Field(description="The queue that jobs are moved to.")
    state: Literal["waiting", "choosing", "running", "done", "cancelled"]
    cut_off: float
    per_minute: int = Field(description="0: as fast as it goes.")
    expected: int
    total: int | None = Field(description="Jobs in its set, once they are chosen.")
    noted: int = Field(description="Jobs that it has come to.")
    done: int
    gone: int
    running: int
    later: int
    barred: int
    other: int
    who: str
    via: Literal["page", "token", "command"]
    reason: str
    created_at: float
    began_at: float | None
    moved_at: float = Field(description="When it last got on.")
    ended_at: float | None
    ended_by: str = Field(description="Who cancelled it.")
    outcome: str = Field(description="So far, in words.")

    @staticmethod
    def resolve_outcome(run: BulkRun) -> str:
        return run_words.outcome(run).english


class BulkRunsAsked(Paging):
    act: ActWord | None = None
    open: bool = Field(False, description="Only those that are not over.")


class BulkRuns(Schema):
    runs: list[BulkRunShape]
    after: str | None


class ResultsAsked(Paging):
    result: ResultWord | None = None


class ResultShape(Schema):
    number: int
    job_id: str
    result: ResultWord
    detail: str = Field(description="Which job bars it, or which state it was in.")


class Results(Schema):
    results: list[ResultShape]
    after: str | None
    not_kept: int = Field(description="Results that are counted and not kept one by one.")
