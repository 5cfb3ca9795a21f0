"""History, asked: runs by a filter, a page at a time; the runs of one job; failure groups; tags.

A page of a filter is found through one index, named by the filter's most telling part (``Filter.driver``), newest first.
What else is asked is looked at row by row, ``SEARCHED`` rows a page at most, so that no page takes long: one that stopped
there says up to where it has looked, and its ``after`` goes on. Nothing counts a whole table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from django.db.models import Count, Q, Value
from django.utils.translation import gettext_lazy

from allegro_queue.history.database import alias, database
from allegro_queue.history.groups import GroupState
from allegro_queue.history.models import FailureGroup, MonitoredTag, Run, Series
from allegro_queue.history.rows import OUTCOMES, WORD, first_id_at, recorded_at
from allegro_queue.history.search_index import LONGEST_BEGINNING, WORDS_TABLE
from allegro_queue.history.tags import clean
from allegro_queue.history.writing import RUNS, TAGS, marks, read_place
from allegro_queue.metrics.counts import DAY, HOUR
from allegro_queue.sentences import worded_lazy

# ruff: noqa: S608 - what is put into a statement is a constant of this file or of the model; values are parameters
PAGE = 50
SEARCHED = 20_000
"""Rows that one page looks at, at most."""

GLANCE = 2_000
"""Newest rows that are looked at first."""

COUNTED = 10_000
"""Up to where matches are counted; more are "10,000+"."""

MOST_TERMS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """One attempt, as a list shows it. Texts are masked. Times are Unix seconds."""

    id: int
    execution_id: str
    job_id: str
    name: str
    queue: str
    supervisor: str
    worker: str
    host: str
    tenant: str
    batch: str
    tags: tuple[str, ...]
    attempt: int
    enqueued_at: float
    """0 when not known."""
    started_at: float
    ended_at: float
    outcome: str
    """``succeeded``, ``failed``, ``retried``, ``stopped`` or ``lost``."""
    silenced: bool
    exception: str
    message: str
    fingerprint: str
    """Of its failure group; empty when it did not fail."""
    arguments: str
    version: str
    traceback: str = ""
    """Only where one job is asked for."""

    @property
    def run_seconds(self) -> float:
        return max(self.ended_at - self.started_at, 0.0)

    @property
    def wait_seconds(self) -> float | None:
        """``None`` when it is not known when it was queued."""
        return max(self.started_at - self.enqueued_at, 0.0) if self.enqueued_at else None


LISTED = tuple(each.name for each in fields(RunRow) if each.name != "traceback")


@dataclass(frozen=True, kw_only=True, slots=True)
class Also:
    """A condition that no index answers: runs are looked at one by one."""

    of: str
    """A key of ``COMPARED``."""
    values: tuple[str, ...] = ()
    """Any of these; without them, the bounds count."""
    least: float | None = None
    most: float | None = None
    excluded: bool = False


COMPARED = {
    **{
        each: f"run.{each} = %s"
        for each in (
            "queue",
            "name",
            "tenant",
            "batch",
            "exception",
            "fingerprint",
            "job_id",
            "worker",
            "host",
            "outcome",
        )
    },
    "tag": "('\n' || run.tags || '\n') LIKE %s ESCAPE '\\'",
    "word": "(' ' || run.words) LIKE %s ESCAPE '\\'",
    "text": "lower(run.name || '\n' || run.message || '\n' || run.tags) LIKE %s ESCAPE '\\'",
    "argument": "run.arguments LIKE %s ESCAPE '\\'",
    "attempt": "run.attempt",
    "run_seconds": "(run.ended_at - run.started_at)",
    "wait_seconds": "(CASE WHEN run.enqueued_at > 0 THEN run.started_at - run.enqueued_at END)",
}
"""How each is compared, with a value or, for numbers, with its bounds."""

PATTERNS = {"tag": "%\n{}\n%", "word": "% {}%", "text": "%{}%", "argument": "%{}%"}
"""What a value becomes for LIKE, where it is not compared as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which runs. What is left empty asks for nothing; all that is given must hold."""

    outcomes: tuple[str, ...] = ()
    """Any of these; ``failed`` does not stand for ``lost``."""
    queue: str = ""
    name: str = ""
    tag: str = ""
    tenant: str = ""
    batch: str = ""
    exception: str = ""
    fingerprint: str = ""
    job_id: str = ""
    worker: str = ""
    host: str = ""
    text: str = ""
    """Words that all stand in its name, tags, error or arguments; each may be the beginning of one."""
    silenced: bool | None = None
    """``True``: only silenced jobs; ``False``: none of them."""
    since: float = 0.0
    """Recorded at this Unix time or later."""
    until: float = 0.0
    """Recorded before this Unix time; 0 for no end."""
    also: tuple[Also, ...] = ()
    """All of these."""

    @property
    def terms(self) -> tuple[str, ...]:
        """The words asked for, in lower case."""
        return tuple(dict.fromkeys(WORD.findall(self.text.lower())))[:MOST_TERMS]

    @property
    def driver(self) -> str:
        """The part that the page is found by: the one that is likely to leave the fewest rows."""
        order = ("job_id", "batch", "tag", "fingerprint", "text", "tenant", "exception")
        for part in order:
            if self.terms if part == "text" else getattr(self, part):
                return part
        if len(self.outcomes) == 1 and self.outcomes != ("succeeded",):
            return "outcomes"
        for part in ("name", "queue"):
            if getattr(self, part):
                return part
        if self.silenced:
            return "silenced"
        return "outcomes" if len(self.outcomes) == 1 else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPage:
    """One page of runs, newest first."""

    rows: tuple[RunRow, ...]
    after: int
    """Give it as ``after`` for the next page; 0 when this is the last."""
    searched_to: float | None = None
    """Up to when (Unix time, going back) it has looked, when it stopped before the page was full."""


@dataclass(frozen=True, slots=True)
class Matches:
    """How many there are, as far as was counted."""

    count: int
    is_more: bool
    """Whether there are more than that."""

    def __str__(self) -> str:
        return f"{self.count:,}{'+' if self.is_more else ''}"


@dataclass(frozen=True, slots=True)
class Part:
    """A condition of a statement."""

    sql: str
    values: tuple[Any, ...] = ()


def find_runs(wanted: Filter, *, after: int = 0, limit: int = PAGE) -> RunPage:
    """A page of runs.

    Args:
        after: a page's ``after``; 0 for the newest.

    Raises:
        ValueError: an outcome that there is none of.
    """
    if unknown := set(wanted.outcomes) - OUTCOMES:
        raise ValueError(f"there is no outcome {sorted(unknown)[0]!r}; there are {', '.join(sorted(OUTCOMES))}.")
    other = replace(wanted, text="").driver
    if wanted.driver == "text" and (other or database().vendor == "postgresql"):
        # A word that many runs have is found among the newest, or among those that the other index gives; only a rare one
        # is cheap to look up. (SQLite looks up every word newest first.)
        page = search(wanted, after, limit, driver=other, most=SEARCHED)
        if len(page.rows) == limit or not page.after:
            return page
        return among_rare(wanted, after, limit) or page
    return search(wanted, after, limit, driver=wanted.driver, most=SEARCHED)


RARE = 5_000
"""Runs that may have the words asked for, if the index of words is to be used though there is another."""


def among_rare(wanted: Filter, after: int, limit: int) -> RunPage | None:
    """The page, if so few runs have the words that all can be looked up; else ``None``."""
    telling = telling_words(wanted.terms)
    source, parts = source_of(replace(wanted, text=" ".join(telling)), "text")
    parts += before(after)
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT run.id FROM {source} WHERE {joined(parts)} LIMIT {RARE + 1}",
            [value for part in parts for value in part.values],
        )
        numbers = sorted((number for (number,) in cursor.fetchall()), reverse=True)
        if len(numbers) > RARE:
            return None
        rest = [*remaining(wanted, "text"), *(has_word(each) for each in wanted.terms if each not in telling)]
        asked = numbers if rest else numbers[: limit + 1]
        if not asked:
            return RunPage(rows=(), after=0)
        columns = ", ".join(f"run.{each}" for each in LISTED)
        found_parts = [Part(f"run.id IN ({marks(asked)})", tuple(asked)), *rest]
        cursor.execute(
            f"SELECT {columns} FROM {RUNS} AS run WHERE {joined(found_parts)} ORDER BY run.id DESC LIMIT %s",
            [*(value for part in found_parts for value in part.values), limit + 1],
        )
        found = [row_from(each) for each in cursor.fetchall()]
    return RunPage(rows=tuple(found[:limit]), after=found[limit - 1].id if len(found) > limit else 0)


PROBED = 500
COMMON = 0.1
"""Share of the newest ``PROBED`` runs from which on a word tells little."""


def telling_words(words: Sequence[str]) -> tuple[str, ...]:
    """The words that few runs have, one at least. PostgreSQL collects all runs of each word that its index is asked for."""
    if len(words) < 2 or database().vendor == "sqlite":
        return tuple(words)
    parts = [has_word(each) for each in words]
    counts = ", ".join(f"count(*) FILTER (WHERE {part.sql})" for part in parts)
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT {counts} FROM (SELECT words FROM {RUNS} ORDER BY id DESC LIMIT {PROBED}) AS run",
            [value for part in parts for value in part.values],
        )
        found = dict(zip(words, cursor.fetchone(), strict=True))
    return tuple(each for each in words if found[each] < COMMON * PROBED) or (min(words, key=found.__getitem__),)


def before(after: int) -> list[Part]:
    """What the pages before this one have not shown; 0 for the first."""
    return [Part("run.id < %s", (after,))] if after else []


def search(wanted: Filter, after: int, limit: int, *, driver: str, most: int) -> RunPage:
    """A page found by one part of the filter; of runs that are looked at one by one, few at first, since a page is often
    full before long."""
    if remaining(wanted, driver):
        for few in (each for each in (GLANCE, 3 * GLANCE) if each < most):
            page = look(wanted, after, limit, driver=driver, most=few)
            if len(page.rows) == limit or page.searched_to is None:
                return page
    return look(wanted, after, limit, driver=driver, most=most)


LOOKED_AT = ", ".join(f"run.{each}" for each in (*LISTED, "words"))
"""What a condition may be about; not the traceback, which is long."""


def look(wanted: Filter, after: int, limit: int, *, driver: str, most: int) -> RunPage:
    """The page, of ``most`` runs at most."""
    source, parts = source_of(wanted, driver)
    parts += before(after)
    rest = remaining(wanted, driver)
    columns = ", ".join(f"run.{each}" for each in LISTED)
    values = [value for part in parts for value in part.values]
    order = f"WHERE {joined(parts)} ORDER BY {order_of(driver)} DESC LIMIT %s"
    if rest:
        inner = f"SELECT {LOOKED_AT} FROM {source} {order}"
        statement = f"SELECT {columns} FROM ({inner}) AS run WHERE {joined(rest)} ORDER BY run.id DESC LIMIT %s"
        values += [most, *(value for part in rest for value in part.values), limit + 1]
    else:
        statement, values = f"SELECT {columns} FROM {source} {order}", [*values, limit + 1]
    with database().cursor() as cursor:
        cursor.execute(statement, values)
        found = [row_from(each) for each in cursor.fetchall()]
        if len(found) > limit:
            return RunPage(rows=tuple(found[:limit]), after=found[limit - 1].id)
        if not rest:
            return RunPage(rows=tuple(found), after=0)
        # The page is not full: is there more to look at?
        cursor.execute(
            f"SELECT run.id FROM {source} WHERE {joined(parts)} ORDER BY {order_of(driver)} DESC LIMIT 1 OFFSET %s",
            [*(value for part in parts for value in part.values), most - 1],
        )
        last = cursor.fetchone()
    if last is None:
        return RunPage(rows=tuple(found), after=0)
    return RunPage(rows=tuple(found), after=last[0], searched_to=recorded_at(last[0]))


def order_of(driver: str) -> str:
    """The column that a page is ordered by, where its index is."""
    if driver == "text":
        # PostgreSQL would go back through all runs and take their words apart, were the order an index's.
        return "word.rowid" if database().vendor == "sqlite" else "(run.id + 0)"
    return "tagged.run_id" if driver == "tag" else "run.id"


def source_of(wanted: Filter, driver: str) -> tuple[str, list[Part]]:
    """The tables that a page is found in, and the conditions that its index serves."""
    source = f"{RUNS} AS run"
    parts = list(time_parts(wanted))
    if driver == "tag":
        source = f"{TAGS} AS tagged JOIN {RUNS} AS run ON run.id = tagged.run_id"
        parts.append(Part("tagged.tag = %s", (wanted.tag,)))
    elif driver == "text" and database().vendor == "sqlite":
        source = f"{WORDS_TABLE} AS word CROSS JOIN {RUNS} AS run ON run.id = word.rowid"
        beginnings = " AND ".join(f"{each[:LONGEST_BEGINNING]}*" for each in wanted.terms)
        parts.append(Part(f"{WORDS_TABLE} MATCH %s", (beginnings,)))
    elif driver == "text":
        parts.append(
            Part(
                "to_tsvector('simple', run.words) @@ to_tsquery('simple', %s)",
                (" & ".join(f"{each}:*" for each in wanted.terms),),
            )
        )
    elif driver:
        parts += conditions(wanted, only=driver)
        if driver in ("batch", "tenant", "exception", "fingerprint"):
            # The index holds only runs that have one; SQLite takes it when the same words are in the question.
            parts.append(Part(f"NOT (run.{driver} = '')"))
    return source, parts or [Part("1 = 1")]


def time_parts(wanted: Filter) -> Iterator[Part]:
    """The bounds of time, as bounds of ids."""
    if wanted.since:
        yield Part("run.id >= %s", (first_id_at(wanted.since),))
    if wanted.until:
        yield Part("run.id < %s", (first_id_at(wanted.until),))


def conditions(wanted: Filter, *, only: str = "", without: str = "") -> Iterator[Part]:
    """What is asked for, as conditions on a row."""
    for part in ("job_id", "batch", "tenant", "exception", "fingerprint", "name", "queue", "worker", "host"):
        value = getattr(wanted, part)
        if value and part != without and only in ("", part):
            yield Part(f"run.{part} = %s", (value,))
    if wanted.outcomes and without != "outcomes" and only in ("", "outcomes"):
        yield Part(f"run.outcome IN ({', '.join(['%s'] * len(wanted.outcomes))})", wanted.outcomes)
    if wanted.silenced is not None and without != "silenced" and only in ("", "silenced"):
        yield Part("run.silenced = %s", (wanted.silenced,))
    if only:
        return
    if wanted.tag and without != "tag":
        line = escaped(wanted.tag)
        yield Part("('\n' || run.tags || '\n') LIKE %s ESCAPE '\\'", (f"%\n{line}\n%",))
    if without != "text":
        for term in wanted.terms:
            yield has_word(term)
    for also in wanted.also:
        yield also_part(also)


def remaining(wanted: Filter, driver: str) -> list[Part]:
    """What the index that a page is found by leaves open: each run is asked."""
    rest = list(conditions(wanted, without=driver))
    if driver == "text" and database().vendor == "sqlite":
        rest += [has_word(each) for each in wanted.terms if len(each) > LONGEST_BEGINNING]
    return rest


def has_word(term: str) -> Part:
    """That a word of the run begins like this."""
    return Part("(' ' || run.words) LIKE %s ESCAPE '\\'", (f"% {escaped(term)}%",))


def also_part(also: Also) -> Part:
    """A further condition. What is not known is neither within bounds nor, when they are excluded, beyond them."""
    compared = COMPARED[also.of]
    values: tuple[Any, ...]
    if also.values:
        pattern = PATTERNS.get(also.of)
        values = tuple(pattern.format(escaped(each)) if pattern else each for each in also.values)
        sql = " OR ".join([compared] * len(values))
    else:
        bounds = [(sign, each) for sign, each in ((">=", also.least), ("<=", also.most)) if each is not None]
        values = tuple(each for _, each in bounds)
        sql = " AND ".join(f"{compared} {sign} %s" for sign, _ in bounds) or "1 = 1"
    return Part(f"{'NOT ' if also.excluded else ''}({sql})", values)


def escaped(text: str) -> str:
    """A text without the wildcards of LIKE."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def joined(parts: Sequence[Part]) -> str:
    return " AND ".join(part.sql for part in parts)


def row_from(values: Sequence[Any]) -> RunRow:
    """A row of the list."""
    given = dict(zip(LISTED, values, strict=True))
    given["tags"] = tuple(each for each in given["tags"].split("\n") if each)
    given["silenced"] = bool(given["silenced"])
    return RunRow(**given)


def count_runs(wanted: Filter, *, most: int = COUNTED) -> Matches:
    """How many runs there are of a filter, up to ``most``; of no filter at all, the collector's own count."""
    if wanted == Filter():
        return Matches(read_place().runs, is_more=False)
    driver = wanted.driver
    source, parts = source_of(wanted, driver)
    rest = remaining(wanted, driver)
    values = [value for part in parts for value in part.values]
    inner = f"SELECT run.* FROM {source} WHERE {joined(parts)} LIMIT %s"
    whole = f"SELECT count(*) FROM ({inner}) AS run" + (f" WHERE {joined(rest)}" if rest else "")
    with database().cursor() as cursor:
        cursor.execute(whole, [*values, most + 1, *(value for part in rest for value in part.values)])
        (count,) = cursor.fetchone()
        looked_at_all = count <= most
        if rest:
            cursor.execute(f"SELECT run.id FROM {source} WHERE {joined(parts)} LIMIT 1 OFFSET %s", [*values, most])
            looked_at_all = cursor.fetchone() is None
    return Matches(min(count, most), is_more=not looked_at_all)


def counts_by_outcome(*, most: int = COUNTED) -> dict[str, Matches]:
    """How many runs ended in each way, up to ``most`` of each: one query."""
    names = sorted(OUTCOMES)
    each = f"(SELECT count(*) FROM (SELECT 1 FROM {RUNS} AS run WHERE run.outcome = %s LIMIT %s) AS found)"
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join([each] * len(names))}", [value for name in names for value in (name, most + 1)]
        )
        counts = cursor.fetchone()
    return {name: Matches(min(count, most), is_more=count > most) for name, count in zip(names, counts, strict=True)}


def runs_of_job(job_id: str, *, most: int = 100) -> list[RunRow]:
    """Every attempt of a job that is kept, the first first, with its traceback."""
    rows = Run.objects.using(alias()).filter(job_id=job_id).order_by("-id").values_list("traceback", *LISTED)[:most]
    found = []
    for traceback, *values in rows:
        row = row_from(values)
        found.append(RunRow(**{each: getattr(row, each) for each in LISTED}, traceback=traceback))
    return found[::-1]


def names_known(kind: str, *, now: float, most: int = 1_000) -> list[str]:
    """Names of a kind (``queue``, ``job``, ``tag``) that ran in the last 30 days, sorted: to choose from."""
    rows = Series.objects.using(alias()).filter(kind=kind, seconds=DAY, starts_at__gte=now - 31 * DAY)
    return sorted(rows.values_list("name", flat=True).distinct()[:most])


def names_of_kinds(kinds: Sequence[str], *, now: float, most: int = 1_000) -> dict[str, list[str]]:
    """The same for several kinds, in one query; with ``error``, the types of failures that are kept."""
    rows = Series.objects.using(alias()).filter(kind__in=list(kinds), seconds=DAY, starts_at__gte=now - 31 * DAY)
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    names = rows.values_list("kind", "name").distinct()
    if "error" in found:
        groups = FailureGroup.objects.using(alias()).exclude(exception="")
        names = names.union(groups.annotate(kind=Value("error")).values_list("kind", "exception"))
    for kind, name in names.order_by("kind", "name")[: most * len(kinds)]:
        found[kind].append(name)
    return found


# ------------------------------------------------------------------------------------------------ Failure groups


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRow:
    """One failure group. Counts are of attempts. Texts are masked. Times are Unix seconds."""

    fingerprint: str
    name: str
    exception: str
    message: str
    frame: str
    count: int
    first_at: float
    last_at: float
    first_version: str
    """Version of the code that it was first seen with."""
    last_run: int
    """Id of the newest run; ``run_at`` reads it."""
    state: GroupState
    muted_until: float
    changed_at: float
    changed_by: str
    last_hour: int
    """In the running hour and the one before."""
    last_day: int
    last_week: int
    trend: tuple[int, ...]
    """By the hour, over the last day, the running hour last."""


GROUP_COLUMNS = (
    "fingerprint", "name", "exception", "message", "frame", "count", "first_at", "last_at", "first_version", "last_run",
    "muted_until", "changed_at", "changed_by",
)  # fmt: skip
TREND_HOURS = 24


def find_groups(
    *, now: float, states: Sequence[GroupState] = (), name: str = "", limit: int = PAGE, before: float = 0.0
) -> list[GroupRow]:
    """Failure groups, the one that failed last first.

    Args:
        states: any of these; empty for all.
        before: last seen before this Unix time, for the next page; 0 for the first.
    """
    rows = FailureGroup.objects.using(alias()).order_by("-last_at", "fingerprint")
    if states:
        rows = rows.filter(in_states(states, now))
    if name:
        rows = rows.filter(name=name)
    if before:
        rows = rows.filter(last_at__lt=before)
    return with_trends(list(rows[:limit]), now)


def in_states(states: Sequence[GroupState], now: float) -> Q:
    """That a group is in one of these states; one whose mute is over is known."""
    wanted = Q(state__in=[each.value for each in states if each is not GroupState.MUTED])
    if GroupState.MUTED in states:
        wanted |= Q(state=GroupState.MUTED, muted_until__gt=now)
    if GroupState.KNOWN in states:
        wanted |= Q(state=GroupState.MUTED, muted_until__lte=now)
    return wanted


def group_of(fingerprint: str, *, now: float) -> GroupRow | None:
    """One failure group; ``None`` when there is none."""
    found = with_trends(list(FailureGroup.objects.using(alias()).filter(fingerprint=fingerprint)), now)
    return found[0] if found else None


def stored_group(fingerprint: str) -> FailureGroup | None:
    """The same without its counts over time, for whoever has read those."""
    return FailureGroup.objects.using(alias()).filter(fingerprint=fingerprint).first()


def group_counts(now: float) -> dict[GroupState, int]:
    """How many groups are in each state."""
    wanted = {each.value: Count("fingerprint", filter=in_states([each], now)) for each in GroupState}
    found = FailureGroup.objects.using(alias()).aggregate(**wanted)
    return {each: found[each.value] for each in GroupState}


def with_trends(groups: Sequence[FailureGroup], now: float) -> list[GroupRow]:
    """Groups with their counts over time, in one query."""
    hour = int(now) // HOUR * HOUR
    rows = Series.objects.using(alias()).filter(
        kind="failure", name__in=[each.fingerprint for each in groups], seconds=HOUR, starts_at__gte=hour - 7 * DAY
    )
    hours: dict[str, dict[int, int]] = {}
    for fingerprint, starts_at, count in rows.values_list("name", "starts_at", "started"):
        hours.setdefault(fingerprint, {})[starts_at] = count
    return [with_trend(group, hours.get(group.fingerprint, {}), now) for group in groups]


def with_trend(group: FailureGroup, hours: Mapping[int, int], now: float) -> GroupRow:
    """A group with its counts over time.

    Args:
        hours: attempts by the start of each hour of the last week, and maybe of longer.
    """
    hour = int(now) // HOUR * HOUR
    trend = tuple(hours.get(hour - HOUR * back, 0) for back in range(TREND_HOURS - 1, -1, -1))
    return GroupRow(
        **{each: getattr(group, each) for each in GROUP_COLUMNS},
        state=state_now(group, now),
        last_hour=sum(trend[-2:]),
        last_day=sum(trend),
        last_week=sum(count for starts_at, count in hours.items() if starts_at >= hour - 7 * DAY),
        trend=trend,
    )


def state_now(group: FailureGroup, now: float) -> GroupState:
    """The state of a group; a mute that is over has ended, although no failure came since."""
    state = GroupState(group.state)
    return GroupState.KNOWN if state is GroupState.MUTED and now >= group.muted_until else state


def run_at(number: int) -> RunRow | None:
    """The run of this id, with its traceback; ``None`` when it is not kept any more."""
    row = Run.objects.using(alias()).filter(id=number).values_list("traceback", *LISTED).first()
    if row is None:
        return None
    traceback, *values = row
    found = row_from(values)
    return RunRow(**{each: getattr(found, each) for each in LISTED}, traceback=traceback)


# ---------------------------------------------------------------------------------------------------------- Tags


@dataclass(frozen=True, kw_only=True, slots=True)
class TagRow:
    """A tag that somebody follows, with what ran since then."""

    tag: str
    since: float
    by: str
    succeeded: int
    failed: int
    retried: int


def monitored_tags() -> list[TagRow]:
    """The tags that are followed, by name."""
    rows = MonitoredTag.objects.using(alias()).order_by("tag")
    return [TagRow(**each) for each in rows.values(*(each.name for each in fields(TagRow)))]


MOST_MONITORED = 100


def monitor(tag: str, *, by: str, now: float) -> bool:
    """Follow a tag: count its runs from now on. False when it is followed already.

    Raises:
        ValueError: it is empty, or too many are followed.
    """
    tag = clean(tag)
    if not tag:
        raise ValueError(gettext_lazy("give a tag, such as member:42."))
    rows = MonitoredTag.objects.using(alias())
    if rows.filter(tag=tag).exists():
        return False
    if rows.count() >= MOST_MONITORED:
        text = gettext_lazy("{most} tags are followed already; let go of one first.")
        raise ValueError(worded_lazy(text, most=MOST_MONITORED))
    return rows.get_or_create(tag=tag, defaults={"since": now, "by": by[:200]})[1]


def stop_monitoring(tag: str) -> bool:
    """Follow a tag no longer. False when it was not followed. Its runs stay findable by it."""
    return bool(MonitoredTag.objects.using(alias()).filter(tag=tag).delete()[0])
