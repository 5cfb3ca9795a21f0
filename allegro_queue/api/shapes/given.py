"""What all requests have in common."""

from __future__ import annotations

from typing import Annotated, Any

from ninja import Path, Schema
from pydantic import ConfigDict, Field

PLAIN = r"^[^\x00-\x1f\x7f]*$"
"""Text of one line."""

JOB_ID = r"^[A-Za-z0-9_-]{1,200}$"

Name = Annotated[str, Path(max_length=255, pattern=PLAIN)]
JobId = Annotated[str, Path(max_length=200, pattern=JOB_ID)]
Fingerprint = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]{1,64}$")]
RunId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Given(Schema):
    """What a caller sends; a key that means nothing is an error."""

    model_config = ConfigDict(extra="forbid")


def words(description: str, longest: int = 200) -> Any:
    """A text that may be left out."""
    return Field("", max_length=longest, pattern=PLAIN, description=description)


class Paging(Given):
    after: str = Field("", max_length=640, pattern=PLAIN, description="The `after` of the page before.")
    limit: int = Field(50, ge=1, le=200, description="Rows of one page.")
