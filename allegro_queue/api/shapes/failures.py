"""Failure groups."""

from __future__ import annotations

from typing import Literal

from ninja import Schema
from pydantic import Field

from allegro_queue.api.shapes.given import Given, Paging, words
from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.failures.page import MOST_MUTE_MINUTES
from allegro_queue.history.group_rows import GroupRow
from allegro_queue.history.runs import RunRow

GroupWord = Literal["new", "known", "muted", "resolved", "again"]


class FailuresAsked(Paging):
    state: list[GroupWord] = Field([], description="Any of these.")
    name: str = words("Dotted path of the function.", 255)


class Failures(Schema):
    failures: list[GroupRow]
    after: str | None
    counts: dict[GroupWord, int]


class FailureDetail(Schema):
    failure: GroupRow
    newest: RunRow | None = Field(description="The newest run, with its traceback, while it is kept.")


class Mark(Given):
    state: Literal["known", "muted", "resolved"]
    minutes: int | None = Field(None, ge=1, le=MOST_MUTE_MINUTES, description="How long it is muted.")
    reason: str = words("For the journal.", LONGEST_REASON)
