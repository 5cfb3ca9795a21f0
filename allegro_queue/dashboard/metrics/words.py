"""What the pages of metrics say of their own figures: how far they go, what is missing. Pure."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.metrics.series import Totals, is_stale
from allegro_queue.dashboard.page.formats import count, duration
from allegro_queue.dashboard.page.nouns import runs
from allegro_queue.history.measured import Extent
from allegro_queue.wording import worded


def stale_since(reach: Extent, now: float) -> float | None:
    """Up to when all is counted, if that is too long ago."""
    return reach.until if reach.behind and is_stale(reach.until, now) else None


def waits_on(reach: Extent) -> str:
    """What the collector has still to count."""
    if not reach.behind:
        return ""
    text = gettext("Metrics wait for the collector: {runs} behind.")
    if reach.collector is None:
        text = gettext("Metrics wait for the collector: {runs} behind, and no collector runs.")
    elif reach.collector.trouble:
        text = gettext("Metrics wait for the collector: {runs} behind ({trouble}).")
    return worded(
        text, runs=runs(reach.behind), trouble=reach.collector.trouble_telling.words if reach.collector else ""
    )


def holes_in(reach: Extent, since: float) -> str:
    """Runs since then that can never be counted."""
    found = [each for each in reach.holes if each.to_at >= since]
    if not found:
        return ""
    missed = sum(each.missed for each in found)
    text = ngettext(
        "{n} run between {begin} and {end} was dropped from Redis before the collector came to it; "
        "the graphs leave that time out.",
        "{n} runs between {begin} and {end} were dropped from Redis before the collector came to them; "
        "the graphs leave that time out.",
        missed,
    )
    return worded(text, n=count(missed), begin=clock(found[-1].from_at), end=clock(found[0].to_at))


def sub_on(whole: Totals, span: str) -> str:
    """How much ran, and what of it failed."""
    text = (
        ngettext(
            "{n} run used {time} of worker time in the last {span}; {failed} failed ({share}).",
            "{n} runs used {time} of worker time in the last {span}; {failed} failed ({share}).",
            whole.runs,
        )
        if whole.failed
        else ngettext(
            "{n} run used {time} of worker time in the last {span}; none failed.",
            "{n} runs used {time} of worker time in the last {span}; none failed.",
            whole.runs,
        )
    )
    return worded(
        text,
        n=count(whole.runs),
        time=duration(whole.busy_seconds),
        span=span,
        failed=count(whole.failed),
        share=f"{whole.failed_share:.1%}",
    )


def clock(unix: float) -> str:
    return charts.clock_label(unix, timezone.get_current_timezone())
