from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from allegro_queue.backoff import exponential
from allegro_queue.errors import InvalidJob
from allegro_queue.jobs import OPTION_FIELDS, Declared, JobOptions, declared_options, is_allowed, job, job_name


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("shop.jobs.pay", True),
        ("shop.jobs", True),
        ("shop", True),
        ("shopping.jobs.pay", False),
        ("os.system", False),
    ],
)
def test_a_prefix_allows_whole_parts_of_a_dotted_name_only(name: str, allowed: bool):
    assert is_allowed(name, ("shop", "mail.")) is allowed


def test_a_star_allows_everything():
    assert is_allowed("os.getcwd", ("*",))


def test_stronger_options_leave_gaps_for_weaker_ones():
    strong = JobOptions(queue="high")
    weak = JobOptions(queue="default", tries=3, timeout=5)

    assert strong.over(weak) == JobOptions(queue="high", tries=3, timeout=5)


def test_a_declared_function_stays_an_ordinary_function():
    @job(queue="high", timeout=5)
    def double(number: int) -> int:
        return number * 2

    assert double(4) == 8
    assert declared_options(double) == JobOptions(queue="high", timeout=5)


def test_a_function_inside_another_cannot_be_queued():
    def inner() -> None: ...

    with pytest.raises(InvalidJob, match="a worker could not import it"):
        job_name(inner)


class Shelf:
    def double(self, number: int) -> int:
        return number * 2

    @classmethod
    def of(cls, number: int) -> None: ...


def one_after_another() -> Iterator[int]:
    yield 1


async def later() -> None: ...


def test_a_method_of_an_object_cannot_be_queued():
    with pytest.raises(InvalidJob, match=r"a worker would find something else as .*double"):
        job_name(Shelf().double)


@pytest.mark.parametrize("function", [Shelf.double, Shelf.of, later])
def test_what_a_worker_finds_under_its_path_can_be_queued(function: Any):
    assert job_name(function) == f"tests.unit.test_jobs.{function.__qualname__}"


def test_a_generator_cannot_be_queued_as_a_call_of_it_runs_nothing():
    with pytest.raises(InvalidJob, match="one_after_another cannot be queued: it has a yield"):
        job_name(one_after_another)


def test_what_is_said_to_be_off_is_not_filled_from_weaker_options():
    strong = JobOptions(unique=False, rate_limit=False, backoff=0, isolate=False, tags=(), tenant="")
    weak = JobOptions(unique=True, rate_limit="1/m", backoff=5, isolate=True, tags=("a",), tenant="acme", tries=2)

    assert strong.over(weak) == JobOptions(
        unique=False, rate_limit=False, backoff=0, isolate=False, tags=(), tenant="", tries=2
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tries": 0}, "tries = 0; it must be a whole number from 1"),
        ({"timeout": 2**63}, "timeout = 9223372036854775808"),
        ({"timeout": -1}, "timeout = -1"),
        ({"keep_completed": 0}, "keep_completed = 0; it must be a whole number from 60"),
        ({"unique": 0}, "unique = 0; it must be True, False or a number of seconds from 1"),
        ({"without_overlapping": "yes"}, "without_overlapping = 'yes'"),
        ({"backoff": "5"}, "backoff = '5'; it must be seconds"),
        ({"rate_limit": True}, "rate_limit = True; it must be like"),
        ({"unique_key": ""}, "unique_key = ''; it must be text"),
        ({"isolate": 1}, "isolate = 1; it must be True or False"),
        ({"tags": "member"}, "tags = 'member'; it must be a list of texts"),
        ({"tags": [7]}, r"tags = \[7\]; it must be a list of texts"),
        ({"queue": 5}, "queue = 5; it must be text"),
        ({"tenant": 5}, "tenant = 5; it must be text"),
    ],
)
def test_each_option_out_of_its_bounds_is_named_where_it_is_declared(options: dict[str, Any], message: str):
    with pytest.raises(InvalidJob, match=message):
        job(**options)
    with pytest.raises(InvalidJob, match=message):
        JobOptions(**options)


def test_every_faulty_option_comes_at_once():
    with pytest.raises(InvalidJob, match=r"(?s)tries = 0.*isolate = 2"):
        JobOptions(tries=0, isolate=2)  # type: ignore[arg-type]


def test_what_a_decorator_declares_is_what_options_hold():
    @job(backoff=exponential(5), unique=True, unique_key="a", rate_limit="5/s", tags=["b"], isolate=True)
    def nothing() -> None: ...

    assert declared_options(nothing) == JobOptions(
        backoff=exponential(5), unique=True, unique_key="a", rate_limit="5/s", tags=["b"], isolate=True
    )


def test_the_decorator_takes_each_option_and_nothing_else():
    assert set(Declared.__annotations__) == set(OPTION_FIELDS)
