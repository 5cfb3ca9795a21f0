"""A running job against its time limit: blue, then amber past half of it, red past four fifths."""

from __future__ import annotations

from django.utils.safestring import SafeString

from allegro_queue.dashboard.charts.parts import element, percent

SLOW, NEAR = 0.5, 0.8


def limit_bar(elapsed: float, limit: float, sentence: str) -> SafeString:
    """The bar; its end is the limit. Seconds, both."""
    share = min(max(elapsed / limit, 0.0), 1.0) if limit > 0 else 0.0
    look = "over" if share > NEAR else "slow" if share > SLOW else "usual"
    return element(
        "svg",
        element("rect", class_="hz-limit-track", y=4, width="100%", height=6, rx=3),
        element("rect", class_="hz-limit-fill", y=4, width=percent(share), height=6, rx=3),
        class_=f"hz-limit hz-limit-{look}",
        role="img",
        aria_label=sentence,
        width="100%",
        height=14,
    )
