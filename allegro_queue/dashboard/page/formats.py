"""Numbers, times and names as people read them. Pure: text in, text out; the markup is the template tags'."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext, gettext_noop

DASH = "–"

UNITS = ((86_400, gettext_noop("d")), (3_600, gettext_noop("h")), (60, gettext_noop("min")), (1, gettext_noop("s")))


def count(number: int) -> str:
    """``12431`` as ``12,431``."""
    return grouped(number, get_language())


@lru_cache(maxsize=4_000, typed=True)
def grouped(number: int, language: str | None) -> str:
    """The same, kept: a page says few numbers, and says them again.

    Args:
        language: what the grouping depends on.
    """
    return number_format(number, use_l10n=True, force_grouping=True)


def rate(per_minute: float) -> str:
    """A rate per minute: whole from 10 up, one decimal below; never a nought for what is more than nothing."""
    if per_minute <= 0:
        return "0"
    if per_minute < 0.05:
        return "<0.1"
    if per_minute < 9.95:
        return f"{per_minute:.1f}".removesuffix(".0")
    return count(round(per_minute))


def duration(seconds: float | None) -> str:
    """Seconds to two units: ``0.4 s``, ``12 s``, ``4 min 48 s``, ``2 h 3 min``. Negative ones (clock skew) are nought."""
    if seconds is None or round(seconds) < 60:
        return " ".join(measure(seconds)).strip()
    whole = round(max(seconds, 0.0))
    for place, (size, word) in enumerate(UNITS[:-1]):
        if whole >= size:
            smaller, smaller_word = UNITS[place + 1]
            rest = whole % size // smaller
            first = with_unit(whole // size, word)
            return f"{first} {with_unit(rest, smaller_word)}" if rest else first
    return with_unit(whole, "s")


def measure(seconds: float | None) -> tuple[str, str]:
    """A duration as a figure and its unit, for columns: ``("38", "ms")``, ``("6:54", "min")``; a dash for none."""
    if seconds is None:
        return DASH, ""
    seconds = max(seconds, 0.0)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}", gettext("ms")
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0"), gettext("s")
    whole = round(seconds)
    if whole < 60:
        return str(whole), gettext("s")
    if whole < 3_600:
        return f"{whole // 60}:{whole % 60:02}", gettext("min")
    if whole < 48 * 3_600:
        return f"{whole // 3_600}:{whole % 3_600 // 60:02}", gettext("h")
    return str(whole // 86_400), gettext("d")


def with_unit(number: int, unit: str) -> str:
    return f"{number} {gettext(unit)}"


def about(seconds: float) -> str:
    """A span in one unit, coarse, so that a page at rest does not change each second: ``4 s``, ``5 min``, ``3 h``."""
    whole = round(max(seconds, 0.0))
    for size, word in UNITS:
        if whole >= size:
            return with_unit(whole // size, word)
    return with_unit(0, "s")


def ago(then: float, now: float) -> str:
    """``just now`` below five seconds (a beat's natural age), else ``12 s ago``."""
    return gettext("just now") if now - then < 5 else gettext("{time} ago").format(time=about(now - then))


def until(then: float, now: float) -> str:
    """``in 5 min``; ``due now`` when it is over."""
    return gettext("due now") if then <= now else gettext("in {time}").format(time=about(then - now))


def size(number: int) -> tuple[str, str]:
    """Bytes as a figure and its unit; a dash when it is not known."""
    if number <= 0:
        return DASH, ""
    megabytes = number / 1_000_000
    return (f"{megabytes:.0f}", gettext("MB")) if megabytes < 1_000 else (f"{megabytes / 1_000:.1f}", gettext("GB"))


def function_parts(name: str) -> tuple[str, str]:
    """Module with its last dot, and function: ``("allegro.webhooks.jobs.", "deliver")``."""
    module, dot, function = name.rpartition(".")
    return module + dot, function


def in_words(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return gettext("{names} and {last}").format(names=", ".join(names[:-1]), last=names[-1])


FIRST_MOMENT, LAST_MOMENT = -62_000_000_000.0, 253_370_000_000.0
"""The years 5 and 9998, about: a day more or less, as a time zone may ask for, still has a date."""


def moment(unix: float) -> datetime:
    """A Unix time as a datetime with a zone; the first or last that has a date when it is beyond."""
    return datetime.fromtimestamp(min(max(unix, FIRST_MOMENT), LAST_MOMENT), UTC)


def clock_time(unix: float) -> str:
    """Time of day in the site's zone."""
    return date_format(timezone.localtime(moment(unix)), "H:i:s")
