"""From terms to what a job in Redis must be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allegro_queue.dashboard.filters.terms import parse
from allegro_queue.dashboard.jobs.matcher import matcher_of
from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.stores.job_records import UNNAMED, JobRow
from allegro_queue.stores.jobs import Sight
from allegro_queue.terms import Terms

NOW = 1_000_000.0


def asked(text: str) -> JobQuery:
    parsed = parse(text)
    assert parsed.problems == ()
    return JobQuery(terms=parsed.terms)


ROW = JobRow(
    id="j1",
    name="shop.jobs.pay",
    queue="high",
    status="queued",
    created_at=NOW - 700,
    enqueued_at=NOW - 600,
    started_at=None,
    ended_at=None,
    worker="",
    timeout=60,
    retries_left=1,
    attempt=2,
    terms=Terms(tags=("order:7",), tenant="t"),
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("pay", True), ("PAY", True), ("order", True), ("nope", False), ("-pay", False), ("func:pay", True),
        ("func:mail", False), ("tag:order:7", True), ("tag:order:8", False), ("-tag:order:8", True), ("tenant:t", True),
        ("attempt:>1", True), ("attempt:1", False), ("wait:>5m", True), ("wait:>15m", False), ("age:<1h", True),
        ("run:>1s", False), ("id:j1", True), ("queue:high,default", True), ("pay tag:order:7 -tag:x", True),
    ],
)  # fmt: skip
def test_a_job_in_redis_is_held_against_each_term(text: str, holds: bool) -> None:
    assert matcher_of(asked(text), now=NOW).holds(ROW) is holds


def test_a_running_job_runs_up_to_now() -> None:
    row = replace(ROW, status="started", started_at=NOW - 40)

    assert matcher_of(asked("run:>30s"), now=NOW).holds(row)


@pytest.mark.parametrize(
    ("text", "terms", "may_hold"),
    [
        ("tag:order:7", Terms(tags=("order:7",)), True),
        ("tag:order:7", Terms(tags=("order:71",)), False),
        ("tag:order:8,order:7 tenant:t", Terms(tags=("order:7",), tenant="t"), True),
        ("tag:order:7 tenant:t", Terms(tags=("order:7",)), False),
        ("batch:b1", Terms(), False),
        ("-tag:order:7", Terms(), True),
        ("pay", Terms(), True),
        ("PAY", Terms(), True),
        ("nothing", Terms(), False),
        ("pay nothing", Terms(), False),
        ("Nothing", Terms(tags=("nothing-else",)), True),
        ("-nothing", Terms(), True),
        ("zoë", Terms(tags=("ZOË",)), True),
        ("func:pay", Terms(), True),
        ("func:other", Terms(), False),
        ("tenant:zoë", Terms(tenant="zoë"), True),
        ('tag:"a\\"b"', Terms(tags=('a"b',)), True),
    ],
)  # fmt: skip
def test_a_job_is_not_read_where_a_text_that_is_asked_for_stands_nowhere_in_it(
    text: str, terms: Terms, may_hold: bool
) -> None:
    query = asked(text)
    matcher = matcher_of(query, now=NOW)

    assert matcher.may_hold(Sight(ROW.id, f"{ROW.name}(41)", terms.encode())) is may_hold
    assert may_hold or not matcher.holds(replace(ROW, terms=terms))


def test_a_job_without_a_name_is_found_by_what_it_is_called_instead() -> None:
    matcher = matcher_of(asked('"unnamed job"'), now=NOW)

    assert matcher.may_hold(Sight("j1", "<lambda>(1)", ""))
    assert matcher.holds(replace(ROW, name=UNNAMED))
