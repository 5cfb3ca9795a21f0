"""Tags and filters of the pages, by the names that templates use."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest
from django.urls import reverse

from allegro_queue.access import decide
from allegro_queue.dashboard.failures.table_rows import group_rows
from allegro_queue.dashboard.jobs.table_rows import job_rows
from allegro_queue.dashboard.metrics.table_rows import metric_rows
from allegro_queue.dashboard.page import formats, markup
from allegro_queue.dashboard.page.deeds import action_words
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.names import bdi

register = template.Library()

register.filter("count", formats.count)
register.filter("duration", formats.duration)
register.filter("rate", formats.rate)
register.filter("bdi", bdi)
register.filter("action_words", action_words)
register.simple_tag(formats.ago, name="ago")
register.simple_tag(formats.until, name="until")
for each in (markup.icon, markup.pill, markup.figure, markup.memory, markup.number, markup.clock, markup.function):
    register.simple_tag(each)
register.simple_tag(job_rows)
register.simple_tag(group_rows)
register.simple_tag(metric_rows)


@register.simple_tag
def since(then: float, now: float) -> str:
    """How long ago, coarse: ``31 min``."""
    return formats.about(now - then)


@register.simple_tag
def page_link(name: str, **query: Any) -> str:
    """Address of a page with a query; empty when that page is not mounted."""
    return link(name, query=query)


@register.simple_tag
def query_of(pairs: list[tuple[str, str]]) -> str:
    """A query as an address has it."""
    return urlencode(pairs)


@register.simple_tag
def job_link(job_id: str) -> str:
    """Address of a job's page; empty without an id."""
    return link("job", job_id=job_id) if job_id else ""


@register.simple_tag
def run_link(run_id: int) -> str:
    """Address of the page of a run over many jobs."""
    return link("run", run=run_id)


@register.simple_tag(takes_context=True)
def horizon_address(context: template.Context) -> str:
    """Where the dashboard is, for whoever the gate lets in; empty for all others. For the admin's index."""
    request = context.get("request")
    if isinstance(request, HttpRequest) and decide(request).allowed:
        return reverse("horizon:overview")
    return ""
