from __future__ import annotations

import pytest

from allegro_queue.scheduling.entries import entries_from, is_cron, problems_in_schedule

QUEUES = ["high", "default", "audience-sync"]


def entry(**changes):
    return {"name": "tick", "cron": "*/5 * * * *", "job": "tests.support.jobs.nothing"} | changes


def test_a_good_schedule_has_no_problem():
    assert list(problems_in_schedule([entry(queue="high", args=[1], kwargs={"a": "b"}, timeout=5)], QUEUES)) == []


@pytest.mark.parametrize(
    "line",
    ["*/5 * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "R * * * *", "R(1-9) * * * *", "@daily", "", "*" * 101],
)
def test_a_line_that_is_no_five_field_line_or_never_comes_is_none(line: str):
    assert not is_cron(line)


@pytest.mark.parametrize("line", ["*/5 * * * *", "0 9 * * mon-fri", "30 2 1,15 * *", "0 0 29 2 *", "0 12 * mar fri"])
def test_a_usual_line_is_one(line: str):
    assert is_cron(line)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"crn": "x"}, "has an unknown key 'crn'; did you mean 'cron'?"),
        ({"cron": "every day"}, "has cron = 'every day'; it must have five fields"),
        ({"name": "a b"}, "other characters than letters"),
        ({"queue": "hihg"}, "the queue 'hihg', which RQ_QUEUES does not have; did you mean 'high'?"),
        ({"job": "tests.support.jobs.gone"}, "'tests.support.jobs.gone', which cannot be imported"),
        ({"job": "tests.support.jobs"}, "'tests.support.jobs', which"),
        ({"timeout": 0}, "has timeout = 0"),
        ({"args": [{1, 2}]}, "has args or kwargs that cannot be queued"),
    ],
)
def test_a_fault_is_named_with_what_would_be_right(changes, said):
    problems = list(problems_in_schedule([entry(**changes)], QUEUES))

    assert len(problems) == 1
    assert said in problems[0]
    assert repr(entry(**changes)["name"]) in problems[0]


def test_all_faults_come_at_once():
    problems = list(problems_in_schedule([entry(cron="x", queue="y"), entry(), "z"], QUEUES))

    assert len(problems) == 4
    assert any("names 'tick' twice" in each for each in problems)


def test_an_entry_without_a_queue_goes_where_its_function_belongs():
    declared, undeclared, explicit = entries_from(
        [
            entry(job="tests.support.jobs.urgent"),
            entry(),
            entry(job="tests.support.jobs.urgent", queue="default"),
        ],
        "default",
    )

    assert [declared.queue, undeclared.queue, explicit.queue] == ["high", "default", "default"]
