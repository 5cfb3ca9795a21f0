"""What the pages of metrics say of their own figures: how far they go, what is missing. Pure."""

from __future__ import annotations

from django.utils import timezone

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.formats import count, duration, plural
from allegro_queue.dashboard.metric_series import Totals, is_stale
from allegro_queue.history.measured import Extent


def stale_since(reach: Extent, now: float) -> float | None:
    """Up to when all is counted, if that is too long ago."""
    return reach.until if reach.behind and is_stale(reach.until, now) else None


def waits_on(reach: Extent) -> str:
    """What the collector has still to count."""
    if not reach.behind:
        return ""
    behind = plural(reach.behind, "run")
    if reach.collector is None:
        return f"Metrics wait for the collector: {behind} behind, and no collector runs."
    trouble = f" ({reach.collector.trouble})" if reach.collector.trouble else ""
    return f"Metrics wait for the collector: {behind} behind{trouble}."


def holes_in(reach: Extent, since: float) -> str:
    """Runs since then that can never be counted."""
    found = [each for each in reach.holes if each.to_at >= since]
    if not found:
        return ""
    missed = plural(sum(each.missed for each in found), "run")
    return (
        f"{missed} between {clock(found[-1].from_at)} and {clock(found[0].to_at)} were dropped from Redis before the "
        "collector came to them; the graphs leave that time out."
    )


def sub_on(whole: Totals, span: str) -> str:
    """How much ran, and what of it failed."""
    failed = f"{count(whole.failed)} failed ({whole.failed_share:.1%})" if whole.failed else "none failed"
    return (
        f"{plural(whole.runs, 'run')} used {duration(whole.busy_seconds)} of worker time in the last {span}; {failed}."
    )


def clock(unix: float) -> str:
    return charts.clock_label(unix, timezone.get_current_timezone())
