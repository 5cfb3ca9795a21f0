"""The few shapes that all charts are made of, each escaped as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from html import escape

from django.utils.safestring import SafeString

Value = float | None
"""A measured number; ``None`` where nothing was measured."""

STRETCH = 1000
"""Units across a nested, stretched ``<svg>``."""

# Neither XML nor UTF-8 has these; a name from outside may.
ILLEGIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


PRECARIOUS = re.compile(f"[&<>\"']|{ILLEGIBLE.pattern}")
"""What can never stand in markup as it is."""


def element(tag: str, *children: str, **attributes: str | float | None) -> SafeString:
    """One element. Children and attribute values are escaped unless they are safe already.

    An attribute's underscore stands for a dash (``aria_label``), a trailing one is dropped (``class_``); an attribute
    that is ``None`` or empty is left out.
    """
    written = "".join(
        [
            f' {attribute(name)}="{legible(value) if isinstance(value, str) else number(value)}"'
            for name, value in attributes.items()
            if value is not None and value != ""
        ]
    )
    body = "".join(map(legible, children))
    # Every part was escaped above; the tag and the attributes' names are written in this package.
    return SafeString(f"<{tag}{written}>{body}</{tag}>" if body else f"<{tag}{written}/>")


@cache
def attribute(name: str) -> str:
    """Name of an attribute as it is written; there are a few dozen."""
    return name.rstrip("_").replace("_", "-")


def together(parts: Iterable[str]) -> SafeString:
    """Parts one after the other, escaped unless safe."""
    return SafeString("".join(map(legible, parts)))


def legible(text: str) -> SafeString:
    """Text that can stand in markup and be sent as UTF-8."""
    if isinstance(text, SafeString):
        return text
    # A chart has thousands of values, and next to none in which there is anything to escape.
    if not PRECARIOUS.search(text):
        return SafeString(text)
    # Python's own escape, which Django's wraps for texts that are lazy: no value is.
    return SafeString(escape(ILLEGIBLE.sub("�", text)))


def number(value: float) -> str:
    """A coordinate without needless digits."""
    if type(value) is int:
        return str(value)
    return f"{round(value, 1):.1f}".removesuffix(".0")


def percent(share: float) -> str:
    """A share of the width."""
    return f"{round(share * 100, 2):.2f}".rstrip("0").rstrip(".") + "%"


def label(x: str, y: float, words: str, classes: str = "", anchor: str = "", dx: float | None = None) -> SafeString:
    """Words that keep their size whatever the width of the chart."""
    return element("text", words, x=x, y=y, dx=dx, text_anchor=anchor, class_=classes)


def upright(share: float, top: float, bottom: float, classes: str = "") -> SafeString:
    """A thin line from top to bottom."""
    x = percent(share)
    return element("line", class_=classes, x1=x, x2=x, y1=top, y2=bottom)


def level(y: float, classes: str) -> SafeString:
    """A thin line across the whole width."""
    return element("line", class_=classes, x1="0", x2="100%", y1=y, y2=y)


def hatched(start: float, end: float, top: float, height: float) -> SafeString:
    """The sign for "not measured" and "not over yet". The pattern ``hz-hatch`` stands once in the page."""
    return element(
        "rect",
        class_="hz-hatched",
        fill="url(#hz-hatch)",
        x=percent(start),
        y=top,
        width=percent(end - start),
        height=height,
    )


def stretched(curves: Iterable[str], top: float, height: float) -> SafeString:
    """A nested ``<svg>`` whose curves stretch with the page."""
    return element(
        "svg",
        *curves,
        y=top,
        width="100%",
        height=height,
        viewBox=f"0 0 {STRETCH} {number(height)}",
        preserveAspectRatio="none",
    )


def framed(parts: Iterable[str], height: float, sentence: str, kind: str = "") -> SafeString:
    """A whole chart: the outer ``<svg>`` with its sentence, in the box whose padding holds the labels."""
    drawing = element("svg", *parts, role="img", aria_label=sentence, width="100%", height=height)
    return element("div", drawing, class_=f"hz-chart {kind}".strip())
