"""The rows of the table of failure groups as markup; in Python for the reason that ``jobs.table_rows`` gives."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from allegro_queue.dashboard.failures.rows import GroupLine
from allegro_queue.dashboard.page.markup import (
    NO_MARKUP,
    NOTHING,
    clock,
    filled,
    function,
    number,
    pill,
    shortened,
    under,
)
from allegro_queue.dashboard.page.names import bdi
from allegro_queue.history.group_rows import GroupRow

LONGEST_MESSAGE = 200

ROW = """
      <tr role="row" class="hz-top" data-key="{key}">
        <th class="hz-main-cell hz-wide" data-label="{error}" scope="row" role="rowheader">{name}{said}</th>
        <td class="hz-group-spark hz-wide" data-label="{hours}" role="cell">{spark}</td>
        <td class="hz-n hz-first" data-label="{hour}" role="cell">{last_hour}</td>
        <td class="hz-n" data-label="{day}" role="cell">{last_day}</td>
        <td class="hz-n hz-mid" data-label="{week}" role="cell">{last_week}</td>
        <td class="hz-n hz-first hz-mid" data-label="{tenants}" role="cell">{touched}</td>
        <td class="hz-n hz-sorted" data-label="{moments}" role="cell">{first_at}{last_at}</td>
        <td class="hz-state-cell" data-label="{state}" role="cell">{look}</td>
      </tr>"""


def group_rows(lines: Iterable[GroupLine], now: float) -> SafeString:
    """One row for each line."""
    pattern = filled(
        ROW,
        error=gettext("Error"),
        hours=gettext("24 hours"),
        hour=gettext("1 h"),
        day=gettext("24 h"),
        week=gettext("7 d"),
        tenants=gettext("Tenants"),
        moments=gettext("First, last"),
        state=gettext("State"),
    )
    return SafeString(
        "".join(
            format_html(
                pattern,
                key=line.row.fingerprint,
                name=function(line.title, line.address),
                said=under(bdi(said_by(line.row))),
                spark=line.spark,
                last_hour=number(line.row.last_hour, line.jobs_address),
                last_day=number(line.row.last_day, line.jobs_address),
                last_week=number(line.row.last_week, line.jobs_address),
                touched=NOTHING
                if line.tenants == "0"
                else format_html("{}{}", line.tenants, under(line.tenants_named)),
                first_at=clock(line.row.first_at, now),
                last_at=under(clock(line.row.last_at, now)),
                look=state_of(line, now),
            )
            for line in lines
        )
    )


def said_by(row: GroupRow) -> SafeString:
    """Type and message of the failure, and the line where it came about."""
    exception = format_html("<b>{}</b>", row.exception) if row.exception else NO_MARKUP
    colon = ": " if row.exception and row.message else ""
    frame = format_html("<br>{}", row.frame) if row.frame else NO_MARKUP
    return format_html("{}{}{}{}", exception, colon, shortened(row.message, LONGEST_MESSAGE), frame)


def state_of(line: GroupLine, now: float) -> SafeString:
    """Its state, until when, and what belongs to it."""
    until = (
        under(format_html(gettext("until {until}"), until=clock(line.until, now, short=True)))
        if line.until
        else NO_MARKUP
    )
    return pill(line.tone, line.word, line.icon) + until + (under(line.note) if line.note else NO_MARKUP)
