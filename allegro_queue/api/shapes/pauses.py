"""Asking for a pause."""

from __future__ import annotations

from pydantic import Field

from allegro_queue.api.shapes.given import Given
from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.acting.pause_page import MOST_MINUTES


class PauseAsked(Given):
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
    minutes: int | None = Field(None, ge=1, le=MOST_MINUTES, description="Null: until somebody resumes it.")
