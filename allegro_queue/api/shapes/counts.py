"""How many there are."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field


class Count(Schema):
    number: int
    is_whole: bool = Field(description="Whether all were looked at; if not, there are at least so many.")
    looked_at: int
    back_to: float | None = Field(description="Of runs: up to when it counted, newest first, when that was not all.")
