"""The numbers of a chart as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from django.http import HttpResponse

from allegro_queue.dashboard.charts import Value
from allegro_queue.dashboard.page.formats import moment

RISKY = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a text that a spreadsheet takes for a formula."""


@dataclass(frozen=True, slots=True)
class CsvColumn:
    """One measure: a value for each bucket."""

    name: str
    values: Sequence[Value]


def answer_with(name: str, starts: Sequence[float], columns: Sequence[CsvColumn]) -> HttpResponse:
    """The file: a row for each bucket, its start in UTC first. What is not known is an empty cell.

    Args:
        name: what the file is called, without its ending.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["starts_at", *(safe(each.name) for each in columns)])
    for place, start in enumerate(starts):
        cells = [each.values[place] for each in columns]
        writer.writerow(
            [moment(start).astimezone(UTC).isoformat(), *("" if cell is None else f"{cell:.6g}" for cell in cells)]
        )
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in name)
    return HttpResponse(
        text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{plain[:100] or "chart"}.csv"'},
    )


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(RISKY) else text
