"""From terms to a filter of runs."""

from __future__ import annotations

from datetime import UTC

from allegro_queue.dashboard.filters.terms import parse
from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.dashboard.jobs.search import Names, Wanted, can_ask_lists, filter_of, queues_of
from allegro_queue.history.filters import Also, Filter

NOW = 1_000_000.0
NAMES = Names(
    functions=("shop.jobs.pay", "shop.jobs.repay", "mail.jobs.send"),
    exceptions=("ReadTimeout", "ConnectTimeout", "KeyError"),
)


def asked(text: str) -> JobQuery:
    parsed = parse(text)
    assert parsed.problems == ()
    return JobQuery(terms=parsed.terms)


def wanted(text: str, *, has_silenced: bool = False) -> Wanted:
    return filter_of(asked(text), NAMES, now=NOW, zone=UTC, has_silenced=has_silenced)


def test_what_an_index_answers_goes_into_the_filter() -> None:
    found = wanted("state:failed,lost queue:high func:pay tag:a:1 tenant:7 error:KeyError group:ff deliver now")

    assert found.filter == Filter(
        outcomes=("failed", "lost"),
        queue="high",
        name="shop.jobs.pay",
        tag="a:1",
        tenant="7",
        exception="KeyError",
        fingerprint="ff",
        text="deliver now",
    )
    assert found.slow == ()


def test_times_become_bounds() -> None:
    found = wanted("age:<1h at:..1970-01-12").filter

    assert (found.since, found.until) == (NOW - 3600, 12 * 86_400)


def test_what_no_index_answers_is_named() -> None:
    found = wanted("run:>30s attempt:>1 -queue:default -quiet")

    assert found.filter.also == (
        Also(of="run_seconds", least=30),
        Also(of="attempt", least=2),
        Also(of="queue", values=("default",), excluded=True),
        Also(of="word", values=("quiet",), excluded=True),
    )
    assert found.slow == ("run:>30s", "attempt:>1", "-queue:default", "-quiet")


def test_a_part_of_a_failures_name_stands_for_all_that_have_it() -> None:
    assert wanted("error:timeout").filter.also == (Also(of="exception", values=("ReadTimeout", "ConnectTimeout")),)


def test_the_last_part_of_a_function_is_enough() -> None:
    assert wanted("func:pay").filter.name == "shop.jobs.pay"
    assert wanted("func:jobs").filter.also == (Also(of="name", values=NAMES.functions),)


def test_a_name_that_nothing_ran_under_is_said_to_be_none() -> None:
    found = wanted("func:nope")

    assert found.filter.name == "nope"
    assert found.unknown == ("No function that is kept here is called “nope”.",)


def test_silenced_jobs_stand_in_a_list_of_their_own() -> None:
    assert wanted("state:finished", has_silenced=True).filter.silenced is False
    assert wanted("state:finished silenced:yes", has_silenced=True).filter.silenced is True
    assert wanted("state:failed", has_silenced=True).filter.silenced is None


def test_an_argument_is_compared_as_json() -> None:
    [also] = wanted("args.member_id:991").filter.also

    assert also.values == ('"member_id": "991"', '"member_id": 991,', '"member_id": 991}')


def test_redis_lists_cannot_answer_everything() -> None:
    assert can_ask_lists(asked("state:failed queue:high pay"))
    assert not can_ask_lists(asked("state:failed error:KeyError"))
    assert not can_ask_lists(asked("args.a:1"))


def test_queues_are_chosen_and_excluded() -> None:
    assert queues_of(asked("-queue:high"), ["high", "default"]) == ["default"]
    assert queues_of(asked("queue:high"), ["high", "default"]) == ["high"]
