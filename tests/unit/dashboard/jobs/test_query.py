"""What the address of the job list asks for."""

from __future__ import annotations

import pytest

from allegro_queue.dashboard.jobs.query import JobQuery, read_query

QUEUES = ("high", "default")


def query_of(**given: str) -> JobQuery:
    return read_query(given.items(), QUEUES)


def problems(query: JobQuery) -> list[str]:
    return [str(each) for each in query.problems]


def test_plain_terms_are_read() -> None:
    query = query_of(state="Failed", queue="high", page="3", q=" deliver ")

    assert query.states == ("failed",)
    assert query.one("queue") == "high"
    assert (query.page, query.offset) == (3, 100)
    assert query.box == "state:failed queue:high deliver"
    assert query.problems == ()


def test_nothing_asked_is_no_problem() -> None:
    assert query_of() == JobQuery()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"state": "faild"}, "state: there is no state “faild”; did you mean 'failed'?"),
        ({"queue": "hihg"}, "There is no queue 'hihg'; did you mean 'high'?"),
        ({"queue": "hihg", "state": "waiting"}, "There is no queue 'hihg'; did you mean 'high'?"),
        ({"page": "0"}, "The page is '0'; it must be a whole number from 1 to 100,000."),
        ({"page": "٣"}, "The page is '٣'; it must be a whole number from 1 to 100,000."),
        ({"after": "x"}, "The page after 'x' cannot be found, so the newest is shown."),
        ({"after": "9" * 30}, "The page after '99999999999999999999' cannot be found, so the newest is shown."),
        ({"state": "waiting", "error": "X"}, "error:X can only be asked of jobs that have ended, not of waiting ones."),
        ({"state": "lost", "still": "yes"}, "still:yes can only be asked of failed jobs."),
        ({"foo": "1"}, "There is nothing called “foo” to ask for"),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, str], problem: str) -> None:
    assert [each for each in problems(query_of(**given)) if each.startswith(problem)]


def test_every_problem_is_said_at_once() -> None:
    assert len(problems(query_of(state="x", queue="y", page="z", q="a:1 b:2"))) == 5


def test_a_queue_that_the_settings_do_not_name_any_more_still_has_runs() -> None:
    query = query_of(state="finished", queue="old")

    assert query.one("queue") == "old"
    assert query.problems == ()


def test_what_was_typed_is_tidied_into_plain_terms() -> None:
    query = query_of(q='queue:high deliver state:failed "a b"')

    assert query.to_tidy
    assert query.pairs == [("state", "failed"), ("queue", "high"), ("q", 'deliver "a b"')]
    assert not read_query(query.pairs, QUEUES).to_tidy


def test_empty_choices_of_the_form_are_tidied_away() -> None:
    query = query_of(state="failed", queue="", func="")

    assert query.to_tidy
    assert query.pairs == [("state", "failed")]


def test_a_faulty_filter_stays_in_the_box_and_is_not_tidied() -> None:
    query = query_of(tag="a", q="queue:high nope:1")

    assert not query.to_tidy
    assert query.box == "tag:a queue:high nope:1"
    # The place is that in the box.
    assert query.problems[0].place == query.box.index("nope") + 1


def test_another_state_keeps_the_other_terms() -> None:
    query = query_of(state="failed", still="yes", queue="high", q="x")

    assert query.in_state("lost") == [("state", "lost"), ("queue", "high"), ("q", "x")]
