"""Tags that are followed."""

from __future__ import annotations

from ninja import Schema
from pydantic import Field

from allegro_queue.api.shapes.given import Given
from allegro_queue.history.followed_tags import TagRow


class Tags(Schema):
    tags: list[TagRow]


class TagAsked(Given):
    tag: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
