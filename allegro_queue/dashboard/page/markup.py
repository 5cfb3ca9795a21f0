"""States, figures, moments and names as markup: thin, over the pure functions of ``formats``.

A page has hundreds of states and figures and few that differ, so that those are kept once made; by type as well, since markup and a text of the same letters are not the same.
"""

from __future__ import annotations

from datetime import date, tzinfo
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import get_language

from allegro_queue.dashboard.page import formats

NO_MARKUP = SafeString()
NOUGHT = SafeString('<span class="hz-zero">0</span>')
NOTHING = format_html('<span class="hz-zero">{}</span>', formats.DASH)


@lru_cache(maxsize=500, typed=True)
def icon(name: str, tone: str = "") -> SafeString:
    """One of the icons of ``parts/_icons.html``. Decoration: the word beside it says the same."""
    return format_html(
        '<svg class="hz-icon{}" aria-hidden="true"><use href="#hz-i-{}"/></svg>', f" hz-{tone}" if tone else "", name
    )


@lru_cache(maxsize=500, typed=True)
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


def figure(seconds: float | None) -> SafeString:
    """A duration with its unit in a slot of fixed width, so that digits stand in one column."""
    return with_unit(*formats.measure(seconds))


def memory(number: int) -> SafeString:
    """Bytes, as ``figure`` does durations."""
    return with_unit(*formats.size(number))


@lru_cache(maxsize=2_000, typed=True)
def with_unit(number: str, unit: str) -> SafeString:
    return format_html('{}<span class="hz-u">{}</span>', NOTHING if number == formats.DASH else number, unit)


def number(value: int | None, address: str = "") -> SafeString:
    """A count; a link to what it counts when there is any; pale when nought, a dash when not known."""
    if value is None:
        return NOTHING
    if not value:
        return NOUGHT
    if not address:
        return SafeString(formats.count(value))
    return format_html('<a href="{}">{}</a>', address, formats.count(value))


def clock(unix: float | None, now: float | None = None, short: bool = False) -> SafeString:
    """A moment in the site's zone; with ``now`` given, the date too unless it is today's. All of it on hover.

    Args:
        short: without seconds, for what is due on the minute.
    """
    if unix is None:
        return NOTHING
    zone = timezone.get_current_timezone()
    return clock_of(unix, None if now is None else day_of(now, zone), short, zone, get_language())


@lru_cache(maxsize=8)
def day_of(now: float, zone: tzinfo) -> date:
    """Which day it is: the same for all moments of a page."""
    return timezone.localtime(formats.moment(now), zone).date()


@lru_cache(maxsize=4_000)
def clock_of(unix: float, today: date | None, short: bool, zone: tzinfo, language: str | None) -> SafeString:
    """A moment as markup, kept: a refresh has mostly those of the last one.

    Args:
        today: what day it is, for the date to be left out; ``None`` leaves it out always.
        language: what the names of months depend on.
    """
    local = timezone.localtime(formats.moment(unix), zone)
    day = local.date()
    minute = f"{local.hour:02}:{local.minute:02}"
    second = f"{minute}:{local.second:02}"
    if today is not None and today != day:
        shown = f"{day_in_words(day, 'j M', language)} {minute}"
    else:
        shown = minute if short else second
    whole = f"{day_in_words(day, 'j F Y', language)}, {second} {local.tzname()}"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), whole, shown)


@lru_cache(maxsize=1_000)
def day_in_words(day: date, pattern: str, language: str | None) -> str:
    """A date as Django writes it: a page has hundreds of moments and few days.

    Args:
        language: what the names of months depend on.
    """
    return date_format(day, pattern)


@lru_cache(maxsize=4_000, typed=True)
def function(name: str, address: str = "") -> SafeString:
    """A dotted name: the module steps back, the function stands out and is the link."""
    module, short = formats.function_parts(name)
    strong = format_html('<a href="{}">{}</a>', address, short) if address else format_html("<b>{}</b>", short)
    before = format_html("<span>{}</span><wbr>", module) if module else ""
    return format_html('<span class="hz-func">{}{}</span>', before, strong)


def under(words: str, tone: str = "") -> SafeString:
    """A line below what a cell says first."""
    return format_html('<span class="hz-under{}">{}</span>', f" hz-{tone}" if tone else "", words)


def escaped(**words: str) -> dict[str, SafeString]:
    """Texts ready for markup, for those that are put into it again and again."""
    return {place: conditional_escape(each) for place, each in words.items()}


class Rest(dict[str, str]):
    """Places to be filled now; all others stay places."""

    def __missing__(self, place: str) -> str:
        return f"{{{place}}}"


def filled(pattern: str, **words: str) -> str:
    """The pattern of a table's rows with what is the same in each of them, escaped; its other places are left."""
    fixed = {place: each.replace("{", "{{").replace("}", "}}") for place, each in escaped(**words).items()}
    return pattern.format_map(Rest(fixed))


def shortened(text: str, most: int) -> str:
    """The beginning of a text, with an ellipsis where something is left out; ``most`` characters at the most."""
    return text if len(text) <= most else Truncator(text).chars(most)
