"""What the page of one failure group shows: since when, how often, how it looks, which jobs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard import charts
from allegro_queue.dashboard.acting.chosen import MOST_TICKED
from allegro_queue.dashboard.failures.group_chart import chart_of
from allegro_queue.dashboard.failures.rows import GroupLine, line_of, short_name
from allegro_queue.dashboard.jobs.source import history_is_off
from allegro_queue.dashboard.metrics.deploys import Deploy
from allegro_queue.dashboard.metrics.ranges import Choice, Range, axis_of, choices, range_for
from allegro_queue.dashboard.page.formats import about, count
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.nouns import failed_attempts
from allegro_queue.dashboard.page.render import Missing
from allegro_queue.dashboard.page.tracebacks import Trace, read_trace
from allegro_queue.history.deploys import deploys_since
from allegro_queue.history.filters import Filter
from allegro_queue.history.group_rows import GroupRow, stored_group, with_trend
from allegro_queue.history.groups import GroupState
from allegro_queue.history.measured import Extent, Point, extent, points_of
from allegro_queue.history.run_pages import RunPage, find_runs
from allegro_queue.history.runs import RunRow
from allegro_queue.history.touched import Sample, Tenants, newest_of
from allegro_queue.metrics.counts import DAY, HOUR
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

RUNS_SHOWN = 25

MUTES: tuple[tuple[int, str], ...] = (
    (60, gettext_noop("1 hour")),
    (24 * 60, gettext_noop("1 day")),
    (7 * 24 * 60, gettext_noop("7 days")),
    (30 * 24 * 60, gettext_noop("30 days")),
)
"""Minutes to mute a group for, and their words."""

MOST_MUTE_MINUTES = max(minutes for minutes, _ in MUTES)

OUTCOMES: Mapping[str, tuple[str, str, str]] = {
    "failed": ("bad", "bad", gettext_noop("Failed")),
    "retried": ("warn", "retry", gettext_noop("Retried")),
    "lost": ("bad", "bad", gettext_noop("Lost")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLine:
    """One failed attempt of the group."""

    run: RunRow
    address: str
    tone: str
    icon: str
    word: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One sample, with its traceback taken apart."""

    sample: Sample
    address: str
    trace: Trace | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FailurePage:
    """One failure group."""

    line: GroupLine
    tone: str
    sentence: str
    sub: str
    hour: str
    """Since when the attempts of the last hour are counted."""
    state_words: str
    choices: tuple[Choice, ...]
    range_word: str
    chart: SafeString
    chart_sentence: str
    twin: SafeString
    csv: str
    samples: tuple[Shown, ...]
    runs: tuple[RunLine, ...]
    no_runs: str
    """Why there are none."""
    older: str
    retry: str
    delete: str
    most: int
    """Jobs that are retried or deleted at once."""
    mutes: tuple[tuple[int, str], ...]
    settable: tuple[tuple[str, str], ...]
    """States that a person can set now, with the words of their buttons."""
    behind: str


def read_failure(stores: Stores, pulse: Pulse, fingerprint: str, given: Mapping[str, str]) -> FailurePage | Missing:
    """The page: one round trip besides the pulse's two, six short queries."""
    group = stored_group(fingerprint)
    if group is None:
        return Missing(
            heading=gettext("There is no such group of failures."),
            words=gettext(
                "Groups are forgotten when they have not failed for as long as history is kept. "
                "Or the address is not quite the right one."
            ),
            asked=fingerprint[:200],
            back=link("failures"),
            back_words=gettext("All failures"),
        )
    chosen = range_for(given.get("range", ""), "failure", horizon_settings(), usual="7d")
    after = given.get("after", "")
    after_id = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    since = pulse.at - chosen.seconds
    week = pulse.at - 8 * DAY
    by_length = points_of(
        "failure", fingerprint, {HOUR: week} | {chosen.stretch: min(since, week) if chosen.stretch == HOUR else since}
    )
    hours = {int(each.starts_at): each.counts.started for each in by_length[HOUR]}
    tenants, samples = newest_of(fingerprint)
    return failure_page(
        with_trend(group, hours, pulse.at),
        tenants=tenants,
        samples=samples,
        runs=find_runs(Filter(fingerprint=fingerprint), after=after_id, limit=RUNS_SHOWN),
        found=by_length[chosen.stretch],
        reach=extent(stores, pulse.at, chosen.stretch),
        deploys=deploys_since(since, chosen.stretch),
        chosen=chosen,
        now=pulse.at,
        has_history=horizon_settings().history,
    )


def failure_page(
    group: GroupRow,
    *,
    tenants: Tenants,
    samples: Sequence[Sample],
    runs: RunPage,
    found: Sequence[Point],
    reach: Extent,
    deploys: Sequence[Deploy],
    chosen: Range,
    now: float,
    has_history: bool,
) -> FailurePage:
    """The page, from what was read."""
    line = line_of(group, tenants)
    axis = axis_of(chosen, reach.first, now)
    chart, sentence, twin = chart_of(found, axis, reach, deploys, now)
    return FailurePage(
        line=line,
        tone={"bad": "bad", "warn": "warn"}.get(line.tone, "ok") if group.last_day else "ok",
        sentence=sentence_on(group, now),
        sub=group.message,
        hour=hour_before(now),
        state_words=state_words(group),
        choices=choices(chosen, line.address, "failure"),
        range_word=gettext(chosen.word),
        chart=chart,
        chart_sentence=sentence,
        twin=twin,
        csv=link("failure_csv", {"range": chosen.key}, fingerprint=group.fingerprint),
        samples=tuple(shown(samples)),
        runs=tuple(run_line(each) for each in runs.rows),
        no_runs=gettext("Attempts are forgotten before their counts are.") if has_history else history_is_off(),
        older=link("failure", {"range": chosen.key, "after": runs.after}, fingerprint=group.fingerprint)
        if runs.after
        else "",
        retry=link("confirm_failure", fingerprint=group.fingerprint, act="retry"),
        delete=link("confirm_failure", fingerprint=group.fingerprint, act="delete"),
        most=MOST_TICKED,
        mutes=tuple((minutes, gettext(words)) for minutes, words in MUTES),
        settable=settable_from(group.state),
        behind=worded(
            ngettext("{n} run in Redis is not counted yet.", "{n} runs in Redis are not counted yet.", reach.behind),
            n=count(reach.behind),
        )
        if reach.behind
        else "",
    )


def sentence_on(group: GroupRow, now: float) -> str:
    """How it stands."""
    name = short_name(group)
    name = name[:1].upper() + name[1:] if " " in name and ":" not in name else name
    if group.last_hour:
        return worded(
            gettext("{group}, {attempts} since {time}."),
            group=name,
            attempts=failed_attempts(group.last_hour),
            time=hour_before(now),
        )
    if group.last_day:
        return worded(
            gettext("{group}, {attempts} in the last 24 hours, none since {time}."),
            group=name,
            attempts=failed_attempts(group.last_day),
            time=hour_before(now),
        )
    return worded(gettext("{group}, not seen for {time}."), group=name, time=about(now - group.last_at))


def hour_before(now: float) -> str:
    """When the hour before the running one began: attempts are counted by the hour."""
    return charts.clock_label(now // HOUR * HOUR - HOUR, timezone.get_current_timezone())


def state_words(group: GroupRow) -> str:
    """What its state means."""
    return {
        GroupState.NEW: gettext("Nobody has looked at it yet."),
        GroupState.KNOWN: gettext("Somebody has looked at it."),
        GroupState.MUTED: gettext("Nobody is told of it until then; it is counted all the same."),
        GroupState.RESOLVED: gettext("Said to be mended. When it comes back it is marked “again”."),
        GroupState.AGAIN: gettext("It was said to be mended, and has come back."),
    }[group.state]


def settable_from(state: GroupState) -> tuple[tuple[str, str], ...]:
    """What a person can make of a group in this state, but for muting it."""
    words = {GroupState.KNOWN: gettext("Note as known"), GroupState.RESOLVED: gettext("Note as resolved")}
    return tuple((each.value, word) for each, word in words.items() if each is not state)


def shown(samples: Sequence[Sample]) -> list[Shown]:
    """Samples that differ from the ones before."""
    found: list[Shown] = []
    for each in samples:
        if each.traceback and any(each.traceback == other.sample.traceback for other in found):
            continue
        trace = read_trace(each.traceback, sys.path) if each.traceback else None
        found.append(Shown(sample=each, address=link("job", job_id=each.job_id), trace=trace))
    return found


def run_line(run: RunRow) -> RunLine:
    tone, icon, word = OUTCOMES.get(run.outcome, ("idle", "unknown", run.outcome))
    return RunLine(run=run, address=link("job", job_id=run.job_id), tone=tone, icon=icon, word=gettext(word))
