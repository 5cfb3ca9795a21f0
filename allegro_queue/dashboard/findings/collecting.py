"""Findings about the collector, without which history and metrics stand still. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard.findings.finding import Finding, sentence_of, whole
from allegro_queue.dashboard.page.formats import count, duration
from allegro_queue.history.measured import Extent
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

LAGS_FROM = 60
"""Seconds that the collector may be behind."""

GAP_TOLD = 24 * 3600
"""Seconds for which a gap is told."""


def late_collector(pulse: Pulse, reach: Extent | None, clock: Callable[[float], str]) -> Iterator[Finding]:
    """Runs wait in Redis to be counted, and nobody counts them, or not fast enough."""
    if reach is None or not reach.behind:
        return
    late = pulse.at - reach.until
    behind = worded(
        ngettext("{n} run waits to be counted", "{n} runs wait to be counted", reach.behind), n=count(reach.behind)
    )
    if reach.collector is None:
        if late <= LAGS_FROM and pulse.masters:
            # A new one takes over within seconds.
            return
        yield Finding(
            tone="warn",
            headline=worded(
                gettext("No collector runs. History and graphs stand still since {time}."), time=clock(reach.until)
            )
            if reach.until
            else gettext("No collector runs. History and graphs stand still."),
            cause=worded(
                gettext("{behind}. Redis keeps them until a collector comes, and then drops the oldest."), behind=behind
            ),
            page="metrics",
            remedy=gettext("Horizon starts one by itself; without Horizon, start it alone:"),
            command="python manage.py horizon_collect",
        )
    elif late > LAGS_FROM:
        trouble = (
            " " + worded(gettext("It says: {words}"), words=sentence_of(reach.collector.trouble_telling.words))
            if reach.collector.trouble
            else ""
        )
        yield Finding(
            tone="warn",
            headline=worded(
                gettext("The collector is {time} behind, so history and graphs are."), time=duration(whole(late))
            ),
            cause=worded(
                gettext("{behind}, at {n} a second."), behind=behind, n=count(round(reach.collector.per_second))
            )
            + trouble,
            page="metrics",
            remedy=gettext("See whether more runs end than it counts:"),
            command="python manage.py horizon_top",
        )


def lost_counts(pulse: Pulse, reach: Extent | None, clock: Callable[[float], str]) -> Iterator[Finding]:
    """Runs that were dropped before they were counted."""
    if reach is None:
        return
    for hole in reach.holes:
        if hole.to_at > pulse.at - GAP_TOLD:
            yield Finding(
                tone="warn",
                headline=worded(
                    ngettext(
                        "{n} run was dropped uncounted: graphs have a gap from {begin} to {end}.",
                        "{n} runs were dropped uncounted: graphs have a gap from {begin} to {end}.",
                        hole.missed,
                    ),
                    n=count(hole.missed),
                    begin=clock(hole.from_at),
                    end=clock(hole.to_at),
                ),
                cause=gettext(
                    "Redis kept no more run records than HORIZON['runs_kept'], and no collector came in time."
                ),
                page="metrics",
                remedy=gettext("Raise HORIZON['runs_kept'], and see that a collector always runs:"),
                command="python manage.py horizon_status",
            )
