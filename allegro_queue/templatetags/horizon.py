"""Tags and filters of the pages: thin markup over the pure functions of ``dashboard.page.formats``."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from allegro_queue.access import decide
from allegro_queue.dashboard.page import formats
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


@register.simple_tag
def since(then: float, now: float) -> str:
    """How long ago, coarse: ``31 min``."""
    return formats.about(now - then)


@register.simple_tag
def icon(name: str, tone: str = "") -> SafeString:
    """One of the icons of ``parts/_icons.html``. Decoration: the word beside it says the same."""
    return format_html(
        '<svg class="hz-icon{}" aria-hidden="true"><use href="#hz-i-{}"/></svg>', f" hz-{tone}" if tone else "", name
    )


@register.simple_tag
def pill(tone: str, word: str, symbol: str = "", filled: bool = False) -> SafeString:
    """A state as icon and word.

    Args:
        tone: ``ok``, ``run``, ``warn``, ``bad`` or ``idle``.
        symbol: the icon; the tone's own when empty.
        filled: for one that stands alone.
    """
    return format_html(
        '<span class="hz-pill{} hz-{}">{}{}</span>',
        SafeString(" hz-pill-filled") if filled else "",
        tone,
        icon(symbol or tone),
        word,
    )


@register.simple_tag
def figure(seconds: float | None) -> SafeString:
    """A duration with its unit in a slot of fixed width, so that digits stand in one column."""
    return with_unit(*formats.measure(seconds))


@register.simple_tag
def memory(number: int) -> SafeString:
    """Bytes, as ``figure`` does durations."""
    return with_unit(*formats.size(number))


def with_unit(number: str, unit: str) -> SafeString:
    shown = format_html('<span class="hz-zero">{}</span>', number) if number == formats.DASH else number
    return format_html('{}<span class="hz-u">{}</span>', shown, unit)


@register.simple_tag
def number(value: int | None, address: str = "") -> SafeString:
    """A count; a link to what it counts when there is any; pale when nought, a dash when not known."""
    if value is None:
        return format_html('<span class="hz-zero">{}</span>', formats.DASH)
    if not value:
        return SafeString('<span class="hz-zero">0</span>')
    if not address:
        return SafeString(formats.count(value))
    return format_html('<a href="{}">{}</a>', address, formats.count(value))


@register.simple_tag
def clock(unix: float | None, now: float | None = None, short: bool = False) -> SafeString:
    """A moment in the site's zone; with ``now`` given, the date too unless it is today's. All of it on hover.

    Args:
        short: without seconds, for what is due on the minute.
    """
    if unix is None:
        return format_html('<span class="hz-zero">{}</span>', formats.DASH)
    local = timezone.localtime(formats.moment(unix))
    shown = date_format(local, "H:i" if short else "H:i:s")
    if now is not None and timezone.localtime(formats.moment(now)).date() != local.date():
        shown = date_format(local, "j M H:i")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', local.isoformat(), date_format(local, "j F Y, H:i:s T"), shown
    )


@register.simple_tag
def function(name: str, address: str = "") -> SafeString:
    """A dotted name: the module steps back, the function stands out and is the link."""
    module, short = formats.function_parts(name)
    strong = format_html('<a href="{}">{}</a>', address, short) if address else format_html("<b>{}</b>", short)
    before = format_html("<span>{}</span><wbr>", module) if module else ""
    return format_html('<span class="hz-func">{}{}</span>', before, strong)


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
