"""What is told: errors, and what came of an act."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field


class ProblemShape(Schema):
    where: str = Field(description="Part of the request.")
    what: str
    right: str = Field(description="What would be right; may be empty.")


class Errors(Schema):
    errors: list[ProblemShape]


class Done(Schema):
    done: bool = Field(description="False when there was nothing to do.")
    outcome: str


class Begun(Done):
    run: int | None = Field(description="Its number; see bulk-runs.")
