"""Text that commands print: columns for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned by spaces; plain text, so that it can be piped."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]
    )


def as_json(value: Any) -> str:
    """Data for a program to read."""
    return json.dumps(value, indent=2)


def plain(value: Any) -> Any:
    """A record without what is there to be told in any language (``…_said``): its plain English stands beside it."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if not key.endswith("_said")}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
