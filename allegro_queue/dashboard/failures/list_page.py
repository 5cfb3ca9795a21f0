"""What the list of failure groups shows: what broke, how much of it, since when?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.dashboard.failures.rows import GroupLine, failed_lately, line_of, short_name
from allegro_queue.dashboard.page.formats import about, count
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.nouns import failed_attempts
from allegro_queue.history.group_rows import PAGE, GroupRow, find_groups, group_counts
from allegro_queue.history.groups import GroupState
from allegro_queue.history.measured import extent
from allegro_queue.history.touched import Tenants, tenants_of
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

OPEN = (GroupState.NEW, GroupState.AGAIN, GroupState.KNOWN)

TABS: Mapping[str, tuple[str, tuple[GroupState, ...]]] = {
    "": (gettext_noop("Open"), OPEN),
    "new": (gettext_noop("New and again"), (GroupState.NEW, GroupState.AGAIN)),
    "muted": (gettext_noop("Muted"), (GroupState.MUTED,)),
    "resolved": (gettext_noop("Resolved"), (GroupState.RESOLVED,)),
    "all": (gettext_noop("All"), tuple(GroupState)),
}
"""Word and states by what the address says."""

MOST_OF_ALL = 0.5
"""Share of the day's failures from which on one group is what the page is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureQuery:
    """Which groups are asked for."""

    tab: str = ""
    name: str = ""
    """Full name of a job; empty for all."""
    before: float = 0.0
    """Last seen before this Unix time; 0 for the first page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tab:
    """Some states with their count."""

    word: str
    count: int
    address: str
    current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FailuresPage:
    """What broke, how much of it, since when?"""

    tone: str
    sentence: str
    sub: str
    tabs: tuple[Tab, ...]
    lines: tuple[GroupLine, ...]
    name: str
    older: str
    empty: str
    """Why there are no rows; empty when there are some."""
    behind: str
    """What is not counted yet, in words."""
    jobs_address: str
    """The failed jobs, whatever their group."""
    failed_jobs: int | None
    """``None`` when Redis does not answer."""


def read_query(given: Mapping[str, str]) -> FailureQuery:
    """From the address; what is not understood counts as not given."""
    try:
        before = float(given.get("before", ""))
    except ValueError:
        before = 0.0
    tab = given.get("state", "")
    return FailureQuery(
        tab=tab if tab in TABS else "",
        name=given.get("job", "")[:200],
        before=before if 0 < before < 1e11 else 0.0,
    )


def read_failures(stores: Stores, pulse: Pulse, query: FailureQuery) -> FailuresPage:
    """The page: one round trip besides the pulse's two, five short queries."""
    return read_groups(query, pulse.at, behind=extent(stores, pulse.at).behind, failed_jobs=pulse.failed)


def read_groups(query: FailureQuery, now: float, *, behind: int = 0, failed_jobs: int | None = None) -> FailuresPage:
    """The page from the database; with what Redis adds to it, if it answers."""
    groups = find_groups(now=now, states=TABS[query.tab][1], name=query.name, limit=PAGE + 1, before=query.before)
    shown = groups[:PAGE]
    return failures_page(
        query,
        shown,
        has_more=len(groups) > PAGE,
        tenants=tenants_of([each.fingerprint for each in shown]),
        counts=group_counts(now),
        behind=behind,
        failed_jobs=failed_jobs,
        now=now,
    )


def failures_page(
    query: FailureQuery,
    groups: Sequence[GroupRow],
    *,
    has_more: bool,
    tenants: Mapping[str, Tenants],
    counts: Mapping[GroupState, int],
    behind: int,
    failed_jobs: int | None,
    now: float,
) -> FailuresPage:
    """The page, from what was read."""
    tone, sentence, sub = say_of(groups, now)
    return FailuresPage(
        tone=tone,
        sentence=sentence,
        sub=sub,
        tabs=tuple(
            Tab(
                word=gettext(word),
                count=sum(counts[each] for each in states),
                address=link("failures", query={"state": tab, "job": query.name}),
                current=tab == query.tab,
            )
            for tab, (word, states) in TABS.items()
        ),
        lines=tuple(line_of(each, tenants.get(each.fingerprint, Tenants())) for each in groups),
        name=query.name,
        older=link("failures", query={"state": query.tab, "job": query.name, "before": groups[-1].last_at})
        if has_more
        else "",
        empty="" if groups else empty_words(query, counts),
        behind=worded(
            ngettext("{n} run in Redis is not counted yet.", "{n} runs in Redis are not counted yet.", behind),
            n=count(behind),
        )
        if behind
        else "",
        jobs_address=link("jobs", query={"state": "failed"}),
        failed_jobs=failed_jobs,
    )


def say_of(groups: Sequence[GroupRow], now: float) -> tuple[str, str, str]:
    """Tone, sentence and second line."""
    total = failed_lately(groups)
    lately = [each for each in groups if each.last_day]
    if not lately:
        return "ok", gettext("Nothing here failed in the last 24 hours."), ""
    told = [each for each in lately if each.state in (GroupState.NEW, GroupState.AGAIN)]
    tone = "warn" if told else "ok"
    amount = worded(
        ngettext(
            "{attempts} in {n} group in the last 24 hours.",
            "{attempts} in {n} groups in the last 24 hours.",
            len(lately),
        ),
        attempts=failed_attempts(total),
        n=count(len(lately)),
    )
    top = max(lately, key=lambda each: each.last_day)
    if len(lately) > 1 and top.last_day >= MOST_OF_ALL * total:
        rest = total - top.last_day
        return (
            tone,
            worded(
                gettext("One error makes up {share} of the last day’s failures: {group}, first seen {time} ago."),
                share=share(top.last_day, total),
                group=short_name(top),
                time=about(now - top.first_at),
            ),
            amount
            + " "
            + worded(
                ngettext("The other {n} group has {rest}.", "The other {n} groups have {rest}.", len(lately) - 1),
                n=count(len(lately) - 1),
                rest=count(rest),
            ),
        )
    if len(lately) == 1:
        return (
            tone,
            worded(
                ngettext(
                    "{group} failed once in the last 24 hours.",
                    "{group} failed {n} times in the last 24 hours.",
                    top.last_day,
                ),
                group=short_name(top),
                n=count(top.last_day),
            ),
            "",
        )
    news = (
        worded(ngettext("{n} group is new or back.", "{n} groups are new or back.", len(told)), n=count(len(told)))
        if told
        else gettext("All of them are known.")
    )
    return tone, amount, news


def share(part: int, whole: int) -> str:
    """In whole percent; never 100 % of what is not all."""
    return f"{min(round(100 * part / whole), 99)} %"


def empty_words(query: FailureQuery, counts: Mapping[GroupState, int]) -> str:
    """Why the list is empty."""
    if query.before:
        return gettext("There are no older groups")
    if query.name:
        return worded(gettext("No such group of {job}"), job=query.name)
    if not any(counts.values()):
        return gettext("No job has failed in the time that history is kept")
    return worded(gettext("No group is {state}"), state=gettext(TABS[query.tab][0]).lower())
