"""Findings about the collector, without which history and metrics stand still. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from allegro_queue.dashboard.findings.finding import Finding, sentence_of, whole
from allegro_queue.dashboard.formats import duration, plural
from allegro_queue.history.measured import Extent
from allegro_queue.stores.pulse import Pulse

LAGS_FROM = 60
"""Seconds that the collector may be behind."""

GAP_TOLD = 24 * 3600
"""Seconds for which a gap is told."""


def late_collector(pulse: Pulse, reach: Extent | None, clock: Callable[[float], str]) -> Iterator[Finding]:
    """Runs wait in Redis to be counted, and nobody counts them, or not fast enough."""
    if reach is None or not reach.behind:
        return
    late = pulse.at - reach.until
    behind = f"{plural(reach.behind, 'run waits', 'runs wait')} to be counted"
    since = f" since {clock(reach.until)}" if reach.until else ""
    if reach.collector is None:
        if late <= LAGS_FROM and pulse.masters:
            # A new one takes over within seconds.
            return
        yield Finding(
            tone="warn",
            headline=f"No collector runs. History and graphs stand still{since}.",
            cause=f"{behind}. Redis keeps them until a collector comes, and then drops the oldest.",
            page="metrics",
            remedy="Horizon starts one by itself; without Horizon, start it alone:",
            command="python manage.py horizon_collect",
        )
    elif late > LAGS_FROM:
        trouble = f" It says: {sentence_of(reach.collector.trouble)}" if reach.collector.trouble else ""
        yield Finding(
            tone="warn",
            headline=f"The collector is {duration(whole(late))} behind, so history and graphs are.",
            cause=f"{behind}, at {reach.collector.per_second:,.0f} a second.{trouble}",
            page="metrics",
        )


def lost_counts(pulse: Pulse, reach: Extent | None, clock: Callable[[float], str]) -> Iterator[Finding]:
    """Runs that were dropped before they were counted."""
    if reach is None:
        return
    for hole in reach.holes:
        if hole.to_at > pulse.at - GAP_TOLD:
            yield Finding(
                tone="warn",
                headline=f"{plural(hole.missed, 'run was', 'runs were')} dropped uncounted: graphs have a gap from "
                f"{clock(hole.from_at)} to {clock(hole.to_at)}.",
                cause="Redis kept no more run records than HORIZON['runs_kept'], and no collector came in time.",
                page="metrics",
            )
