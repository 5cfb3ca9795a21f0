"""The twin of a chart: the same numbers as a table, for readers, copy and paste, and print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from allegro_queue.dashboard.charts.parts import Value, element
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
    rows = [
        element(
            "tr",
            element("th", times[index], scope="row"),
            *(
                element("td", words if (value := each.values[index]) is None else each.shown(value))
                for each, words in zip(columns, missing, strict=True)
            ),
        )
        for index in range(len(times) - 1, -1, -1)
    ]
    table = element("table", element("thead", head), element("tbody", *rows) if rows else "")
    scroll = element(
        "div",
        table,
        class_="hz-twin-scroll",
        tabindex="0",
        role="region",
        aria_label=worded(gettext("Numbers: {chart}"), chart=about) if about else gettext("Numbers of this chart"),
    )
    return element("details", element("summary", gettext("Show as table")), scroll, class_="hz-twin")
