"""The rows of the table of jobs as markup.

They are the one table that is not a template's: fifty rows of nine cells are 1,500 nodes to Django's templates, which took
half of the page's time for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from allegro_queue.dashboard.jobs.lines import Line
from allegro_queue.dashboard.page.markup import (
    NO_MARKUP,
    NOTHING,
    clock,
    figure,
    filled,
    function,
    pill,
    shortened,
    under,
)
from allegro_queue.dashboard.page.names import bdi
from allegro_queue.wording import worded

LONGEST_REASON, LONGEST_TAG = 160, 40
"""Characters of an error or a reason, and of a tag or a tenant."""

ROW = """
    <tr role="row" class="hz-top" data-key="{key}">{tick}
      <th class="hz-main-cell hz-wide" data-label="{job}" scope="row" role="rowheader">{name}{said}</th>
      <td class="hz-queue-cell hz-nowrap hz-bare" data-label="{queue}" role="cell">{of_queue}</td>
      <td class="hz-wide" data-label="{tags}" role="cell">{of_tags}</td>
      <td class="hz-n hz-first hz-mid" data-label="{attempt}" role="cell">{tries}</td>
      <td class="hz-n" data-label="{wait}" role="cell">{waited}</td>
      <td class="hz-n" data-label="{run}" role="cell">{ran}</td>
      <td class="hz-n hz-sorted" data-label="{when}" role="cell">{moment}</td>
      <td class="hz-state-cell hz-bare" data-label="{state}" role="cell">{look}</td>
    </tr>"""

TICK_CELL = '<td class="hz-tick-cell hz-bare" data-label="{}" role="cell">{}</td>'
TICK = '<input type="checkbox" name="id" value="{}" aria-label="{}">'


def job_rows(lines: Iterable[Line], when: str, now: float, *, ticks: Any) -> SafeString:
    """One row for each line.

    Args:
        when: the heading of the column of moments.
        ticks: whether there is a column of boxes to tick.
    """
    pattern = filled(
        ROW,
        job=gettext("Job"),
        queue=gettext("Queue"),
        tags=gettext("Tags"),
        attempt=gettext("Attempt"),
        wait=gettext("Wait"),
        run=gettext("Run"),
        when=when,
        state=gettext("State"),
    )
    tick, says_tick, says_tenant = gettext("Tick"), gettext("Tick {name} {id}"), gettext("tenant {tenant}")
    return SafeString(
        "".join(
            format_html(
                pattern,
                key=line.key,
                tick=format_html(TICK_CELL, tick, box(line, says_tick)) if ticks else NO_MARKUP,
                name=function(line.name, line.address),
                said=said_under(line),
                of_queue=line.queue,
                of_tags=tags_of(line, says_tenant),
                tries=line.tries,
                waited=figure(line.wait_seconds),
                ran=figure(line.run_seconds),
                moment=clock(line.when, now),
                look=state_of(line),
            )
            for line in lines
        )
    )


def box(line: Line, says: str) -> SafeString:
    """A box to tick, where there is something to do."""
    return format_html(TICK, line.id, worded(says, name=line.name, id=line.id)) if line.acts else NO_MARKUP


def said_under(line: Line) -> SafeString:
    """What went wrong, and why it was put off."""
    error = under(bdi(shortened(line.error, LONGEST_REASON)), "bad") if line.error else NO_MARKUP
    return error + (under(bdi(shortened(line.reason, LONGEST_REASON))) if line.reason else NO_MARKUP)


def tags_of(line: Line, says_tenant: str) -> SafeString:
    """For whom it acts and what it is marked with, each a link to its jobs."""
    if not line.tags and not line.tenant:
        return NOTHING
    return tags_in(line.tenant, line.tenant_address, line.tags, line.more_tags, says_tenant, get_language())


@lru_cache(maxsize=2_000, typed=True)
def tags_in(
    tenant: str,
    tenant_address: str,
    tags: tuple[tuple[str, str], ...],
    more_tags: int,
    says_tenant: str,
    language: str | None,
) -> SafeString:
    """The same, kept: a refresh has mostly those of the last one."""
    of_tenant = NO_MARKUP
    if tenant:
        name = bdi(shortened(tenant, LONGEST_TAG))
        of_tenant = format_html(
            '<a class="hz-tag" href="{}">{}</a>', tenant_address, format_html(says_tenant, tenant=name)
        )
    of_tags = format_html_join(
        "",
        '<a class="hz-tag" href="{}" dir="auto">{}</a>',
        ((address, shortened(tag, LONGEST_TAG)) for tag, address in tags),
    )
    more = (
        format_html('<span class="hz-quiet">{}</span>', worded(gettext("and {n} more"), n=more_tags))
        if more_tags
        else NO_MARKUP
    )
    return format_html('<span class="hz-tags">{}{}{}</span>', of_tenant, of_tags, more)


def state_of(line: Line) -> SafeString:
    """Its state, and what has become of its job since."""
    now_is = under(worded(gettext("now {state}"), state=line.now_is)) if line.now_is else NO_MARKUP
    return pill(line.look.tone, line.look.word, line.look.icon) + now_is
