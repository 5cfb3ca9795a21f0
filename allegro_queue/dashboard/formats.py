"""Numbers, times and names as people read them. Pure: text in, text out; the markup is the template tags'."""

from __future__ import annotations

from datetime import UTC, datetime

DASH = "–"

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def count(number: int) -> str:
    """``12431`` as ``12,431``."""
    return f"{number:,}"


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
    number, unit = measure(seconds)
    if seconds is None or (unit != "min" and unit != "h" and unit != "d"):
        return f"{number} {unit}".strip()
    whole = round(max(seconds, 0.0))
    for place, (size, word) in enumerate(UNITS[:-1]):
        if whole >= size:
            smaller, smaller_word = UNITS[place + 1]
            rest = whole % size // smaller
            return f"{whole // size} {word} {rest} {smaller_word}" if rest else f"{whole // size} {word}"
    return f"{whole} s"


def measure(seconds: float | None) -> tuple[str, str]:
    """A duration as a figure and its unit, for columns: ``("38", "ms")``, ``("6:54", "min")``; a dash for none."""
    if seconds is None:
        return DASH, ""
    seconds = max(seconds, 0.0)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}", "ms"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0"), "s"
    whole = round(seconds)
    if whole < 60:
        return str(whole), "s"
    if whole < 3_600:
        return f"{whole // 60}:{whole % 60:02}", "min"
    if whole < 48 * 3_600:
        return f"{whole // 3_600}:{whole % 3_600 // 60:02}", "h"
    return str(whole // 86_400), "d"


def about(seconds: float) -> str:
    """A span in one unit, coarse, so that a page at rest does not change each second: ``4 s``, ``5 min``, ``3 h``."""
    whole = round(max(seconds, 0.0))
    for size, word in UNITS:
        if whole >= size:
            return f"{whole // size} {word}"
    return "0 s"


def ago(then: float, now: float) -> str:
    """``just now`` below five seconds (a beat's natural age), else ``12 s ago``."""
    return "just now" if now - then < 5 else f"{about(now - then)} ago"


def until(then: float, now: float) -> str:
    """``in 5 min``; ``due now`` when it is over."""
    return "due now" if then <= now else f"in {about(then - now)}"


def size(number: int) -> tuple[str, str]:
    """Bytes as a figure and its unit; a dash when it is not known."""
    if number <= 0:
        return DASH, ""
    megabytes = number / 1_000_000
    return (f"{megabytes:.0f}", "MB") if megabytes < 1_000 else (f"{megabytes / 1_000:.1f}", "GB")


def function_parts(name: str) -> tuple[str, str]:
    """Module with its last dot, and function: ``("allegro.webhooks.jobs.", "deliver")``."""
    module, dot, function = name.rpartition(".")
    return module + dot, function


def plural(number: int, one: str, many: str = "") -> str:
    """``1 job``, ``12,431 jobs``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def in_words(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


FIRST_MOMENT, LAST_MOMENT = -62_000_000_000.0, 253_370_000_000.0
"""The years 5 and 9998, about: a day more or less, as a time zone may ask for, still has a date."""


def moment(unix: float) -> datetime:
    """A Unix time as a datetime with a zone; the first or last that has a date when it is beyond."""
    return datetime.fromtimestamp(min(max(unix, FIRST_MOMENT), LAST_MOMENT), UTC)
