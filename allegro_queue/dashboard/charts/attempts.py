"""The attempts of one job on the job's own clock: waiting outlined, running filled, the time limit a dashed line."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.safestring import SafeString

from allegro_queue.dashboard.charts.parts import element, label, percent, upright
from allegro_queue.dashboard.charts.scales import round_top


def attempt_bar(
    *,
    queued: float | None,
    started: float,
    ended: float,
    limit: float | None,
    whole: float,
    failed: bool,
    sentence: str,
) -> SafeString:
    """One attempt. All times are seconds since the job was created; ``whole`` is the length of the axis."""
    whole = max(whole, 0.001)

    def share(seconds: float) -> float:
        return min(max(seconds / whole, 0.0), 1.0)

    parts: list[str] = [element("line", class_="hz-try-track", x1="0", x2="100%", y1=10, y2=10)]
    if queued is not None and started > queued:
        wait = percent(share(started) - share(queued))
        parts.append(element("rect", class_="hz-try-wait", x=percent(share(queued)), y=6.5, width=wait, height=7))
    parts.append(
        element(
            "rect",
            class_="hz-try-run hz-try-failed" if failed else "hz-try-run",
            x=percent(share(started)),
            y=4,
            # What took no time at all did happen.
            width=percent(max(share(ended) - share(started), 0.005)),
            height=12,
            rx=2,
        )
    )
    if limit is not None and started + limit <= whole:
        parts.append(upright(share(started + limit), 0, 20, "hz-try-limit"))
    return element("svg", *parts, class_="hz-try", role="img", aria_label=sentence, width="100%", height=20)


def attempt_scale(whole: float, shown: Callable[[float], str]) -> SafeString:
    """The head of the attempts' column: a few round times."""
    step = round_top([whole / 4])
    times = [place * step for place in range(5) if place * step <= whole]
    words = (
        label(percent(seconds / max(whole, 0.001)), 10, shown(seconds), anchor="start" if not seconds else "middle")
        for seconds in times
    )
    return element("svg", *words, class_="hz-lane-scale", aria_hidden="true", width="100%", height=12)
