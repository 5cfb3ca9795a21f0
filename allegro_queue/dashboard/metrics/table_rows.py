"""The rows of the tables of metrics as markup; in Python for the reason that ``jobs.table_rows`` gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from allegro_queue.dashboard.metrics.rows import MetricRow
from allegro_queue.dashboard.page.formats import rate
from allegro_queue.dashboard.page.markup import NO_MARKUP, NOUGHT, escaped, figure, function, number

ROW = """
      <tr role="row" data-key="{column}-{name}">
        <th class="hz-wide{nowrap}" data-label="{column}" scope="row" role="rowheader">{title}</th>
        <td class="hz-share-cell hz-bare" data-label="{share}" role="cell">{of_share}</td>
        <td class="hz-n{sorted}" data-label="{time}" role="cell">{of_time}</td>
        <td class="hz-n" data-label="{done}" role="cell">{of_done}</td>
        <td class="hz-n" data-label="{minute}" role="cell">{of_minute}</td>
        <td class="hz-share-cell hz-bare hz-mid hz-hide" data-label="{over_time}" role="cell">{spark}</td>
        <td class="hz-n" data-label="{failed}" role="cell">{of_failed}</td>
        <td class="hz-n" data-label="{run}" role="cell">{of_run}</td>
        <td class="hz-n" data-label="{wait}" role="cell">{of_wait}</td>
      </tr>"""


def metric_rows(rows: Iterable[MetricRow], column: str, *, jobs: Any) -> SafeString:
    """One row for each queue or job name.

    Args:
        column: the heading of the column of names.
        jobs: whether they are job names, by the time they took; else queues.
    """
    labels = escaped(
        column=column,
        share=gettext("Share of time"),
        time=gettext("Time"),
        done=gettext("Done"),
        minute=gettext("Per minute"),
        over_time=gettext("Done, over time"),
        failed=gettext("Failed"),
        run=gettext("Run p95"),
        wait=gettext("Wait p95"),
    )
    return SafeString(
        "".join(
            format_html(
                ROW,
                **labels,
                name=row.name,
                nowrap=NO_MARKUP if jobs else " hz-nowrap",
                sorted=" hz-sorted" if jobs else NO_MARKUP,
                title=function(row.name, row.address) if jobs else linked(row.name, row.address),
                of_share=row.share,
                of_time=figure(row.totals.busy_seconds if row.totals.runs else None),
                of_done=number(row.totals.done),
                of_minute=rate(row.totals.per_minute) if row.totals.done else NOUGHT,
                spark=row.spark,
                of_failed=number(row.totals.failed, row.failed_address),
                of_run=figure(row.totals.runtime.p95),
                of_wait=figure(row.totals.wait.p95),
            )
            for row in rows
        )
    )


def linked(name: str, address: str) -> SafeString | str:
    """A name, and where there is more of it."""
    return format_html('<a href="{}">{}</a>', address, name) if address else name
