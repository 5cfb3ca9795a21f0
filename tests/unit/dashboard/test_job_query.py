from __future__ import annotations

import pytest

from allegro_queue.dashboard.job_query import read_query
from allegro_queue.stores.jobs import State

QUEUES = ("high", "default")


def test_a_good_query_is_understood():
    query = read_query({"state": "Failed", "queue": "high", "page": "3", "q": " deliver "}, QUEUES)

    assert (query.state, query.queue, query.page, query.words) == (State.FAILED, "high", 3, "deliver")
    assert query.offset == 100
    assert query.problems == ()


def test_nothing_asked_is_no_problem():
    assert read_query({}, QUEUES).problems == ()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"state": "faild"}, "There is no state 'faild'; did you mean 'failed'?"),
        ({"queue": "hihg"}, "There is no queue 'hihg'; did you mean 'high'?"),
        ({"page": "0"}, "The page is '0'; it must be a whole number from 1 to 100,000."),
        ({"page": "-1"}, "The page is '-1'"),
        ({"page": "²"}, "The page is '²'"),
        ({"page": "9" * 50}, "The page is '99999999999999999999'"),
        ({"page": "1e3"}, "The page is '1e3'"),
        ({"q": "x" * 201}, "The search has 201 characters; at most 200 are looked for."),
    ],
)
def test_a_bad_value_is_named_and_left_out(given, problem):
    query = read_query(given, QUEUES)

    assert len(query.problems) == 1
    assert query.problems[0].startswith(problem)
    assert (query.state, query.queue, query.page, query.words) == (None, "", 1, "")


def test_all_problems_come_at_once():
    assert len(read_query({"state": "x", "queue": "y", "page": "z", "q": "q" * 999}, QUEUES).problems) == 4
