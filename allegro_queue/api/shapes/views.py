"""Saved views of the job list."""

from __future__ import annotations

from typing import Annotated

from ninja import Path, Schema
from pydantic import Field

from allegro_queue.activity.saved_view import LONGEST_NAME, SavedView
from allegro_queue.api.shapes.given import PLAIN, Given

ViewId = Annotated[int, Path(ge=1, le=10**14)]


class ViewShape(Schema):
    id: int
    name: str
    owner: str
    shared: bool
    query: str = Field(description="As the address of the job list has it.")
    created_at: float

    @staticmethod
    def resolve_created_at(view: SavedView) -> float:
        return view.created_at.timestamp()


class Views(Schema):
    views: list[ViewShape] = Field(description="The caller's own, and those that are shared.")


class ViewAsked(Given):
    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
    filter: str = Field(
        min_length=1, max_length=500, pattern=PLAIN, description="As one types it: `state:failed queue:high`."
    )
    shared: bool = Field(False, description="For all; needs edit_alerts.")
