from __future__ import annotations

import pytest

from allegro_queue.errors import InvalidJob
from allegro_queue.jobs import JobOptions, declared_options, is_allowed, job, job_name


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
