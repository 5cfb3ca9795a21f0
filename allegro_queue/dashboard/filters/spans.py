"""Ranges that a filter asks for: of seconds, of numbers, of time. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum, auto

from allegro_queue.history.rows import LATEST


@dataclass(frozen=True, slots=True)
class Span:
    """From the least to the most, both included; ``None`` for no bound."""

    least: float | None = None
    most: float | None = None

    def holds(self, value: float | None) -> bool:
        """Whether a value lies in it; one that is not known does not."""
        if value is None:
            return False
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


class Fault(Enum):
    """What is wrong with a text that should be a span."""

    UNREADABLE = auto()
    BACKWARDS = auto()
    """It ends before it begins."""
    BOUNDLESS = auto()
    """It has neither a beginning nor an end."""


class NoSpan(ValueError):
    """A text is no span. It is put in words where it is known which key was asked for."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|min|h|d)?")
UNIT = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_span(text: str) -> Span:
    """``>30s``, ``<10m``, ``1m..2h``.

    Raises:
        NoSpan: it is no such thing.
    """
    return read_span(text, seconds_in, 0.0)


def number_span(text: str) -> Span:
    """``3``, ``>1``, ``2..4``.

    Raises:
        NoSpan: it is no such thing.
    """
    exact = whole_number(text)
    if exact is not None:
        return Span(exact, exact)
    return read_span(text, whole_number, 1.0)


def seconds_in(text: str) -> float | None:
    match = SECONDS.fullmatch(text)
    return float(match[1]) * UNIT[match[2] or ""] if match else None


def whole_number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def read_span(text: str, read: Callable[[str], float | None], step: float) -> Span:
    """A span of values, each read by a function that gives ``None`` for what it does not understand.

    Raises:
        NoSpan: it is no such thing.
    """
    match = re.fullmatch(r"(<=|>=|<|>)\s*(\S+)", text)
    if match:
        value = read(match[2])
        if value is not None:
            beyond = step if len(match[1]) == 1 else 0.0
            return Span(value + beyond) if match[1][0] == ">" else Span(None, value - beyond)
    elif ".." in text:
        first, _, last = text.partition("..")
        least, most = read(first.strip()), read(last.strip())
        if least is not None and most is not None:
            if least > most:
                raise NoSpan(Fault.BACKWARDS)
            return Span(least, most)
    raise NoSpan(Fault.UNREADABLE)


TIME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(:\d{2})?)?")


def time_span(text: str, zone: tzinfo) -> Span:
    """``2026-11-20``, ``2026-11-20..2026-11-21``, ``2026-11-20T14:00..``; a day is all of it. Unix seconds.

    Raises:
        NoSpan: it is no such thing.
    """
    first, dots, last = text.partition("..")
    try:
        least = moment(first, zone)[0] if first.strip() else None
        most = moment(last if dots else first, zone)[1] if (last if dots else first).strip() else None
    except (ValueError, OverflowError):
        raise NoSpan(Fault.UNREADABLE) from None
    if least is None and most is None:
        raise NoSpan(Fault.BOUNDLESS)
    if least is not None and most is not None and least >= most:
        raise NoSpan(Fault.BACKWARDS)
    return Span(least, most)


def moment(text: str, zone: tzinfo) -> tuple[float, float]:
    """The first and the last moment of a day, a minute or a second, in Unix seconds.

    Raises:
        ValueError: it is no time.
    """
    match = TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError("no time")
    start = datetime.fromisoformat(text.strip()).replace(tzinfo=zone)
    length = timedelta(days=1) if not match[2] else timedelta(seconds=1) if match[3] else timedelta(minutes=1)
    # By the calendar: the day on which clocks change is not as long as others.
    found = start.timestamp(), (start + length).timestamp()
    if not all(0 <= each <= LATEST for each in found):
        raise ValueError("no time that a clock shows")
    return found
