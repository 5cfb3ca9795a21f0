"""The twin of a chart: the same numbers as a table, for readers, copy and paste, and print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from allegro_queue.dashboard.charts.parts import Value, element, legible
from allegro_queue.dashboard.charts.sentences import plain_number
from allegro_queue.wording import worded

NOT_MEASURED = gettext_noop("not measured")


@dataclass(frozen=True, slots=True)
class Column:
    """One measure of the chart."""

    name: str
    values: Sequence[Value]
    shown: Callable[[float], str] = plain_number
    missing: str = NOT_MEASURED
    """What stands where there is no value."""


def twin(times: Sequence[str], columns: Sequence[Column], about: str = "") -> SafeString:
    """``<details>`` with a row per bucket, newest first."""
    head = element(
        "tr", *(element("th", name, scope="col") for name in (gettext("Time"), *(each.name for each in columns)))
    )
    missing = [gettext(each.missing) for each in columns]
    cells = [
        [words if value is None else each.shown(value) for value in each.values]
        for each, words in zip(columns, missing, strict=True)
    ]
    rows = [row(time, values) for time, *values in zip(times, *cells, strict=True)]
    table = element("table", element("thead", head), element("tbody", *reversed(rows)) if rows else "")
    scroll = element(
        "div",
        table,
        class_="hz-twin-scroll",
        tabindex="0",
        role="region",
        aria_label=worded(gettext("Numbers: {chart}"), chart=about) if about else gettext("Numbers of this chart"),
    )
    return element("details", element("summary", gettext("Show as table")), scroll, class_="hz-twin")


def row(time: str, values: Sequence[str]) -> SafeString:
    """One bucket; written at once, since a table has hundreds of cells and none has an attribute of its own."""
    cells = "".join([f"<td>{legible(each)}</td>" for each in values])
    return SafeString(f'<tr><th scope="row">{legible(time)}</th>{cells}</tr>')
