from __future__ import annotations

from functools import wraps
from typing import Any

import pytest

from allegro_queue.backoff import exponential
from allegro_queue.calls import Call, call, check_fit, fingerprint
from allegro_queue.errors import InvalidJob
from allegro_queue.jobs import JobOptions
from allegro_queue.rates import Rate
from allegro_queue.terms import NO_TERMS, Terms
from allegro_queue.terms_of import TermsMaker


def sync(member_id: int, provider: str = "crm", *rest: int, force: bool = False, **more: Any) -> None: ...


def strict(member_id: int) -> None: ...


def terms(given: Call = call(7), **options: Any) -> Terms:  # noqa: B008
    return TermsMaker("shop.sync", sync, JobOptions(timeout=60, **options), "").terms(given)


def test_who_asks_for_nothing_has_no_terms():
    assert terms() == NO_TERMS


def test_pauses_and_a_process_of_its_own_are_taken_over():
    found = terms(backoff=exponential(1, cap=4, jitter=0.5), isolate=True)

    assert (found.backoff, found.jitter, found.isolate) == ((1.0, 2.0, 4.0), 0.5, True)


@pytest.mark.parametrize("one", [call(7), call(member_id=7)])
def test_the_same_arguments_have_one_fingerprint_however_they_are_given(one: Call):
    assert fingerprint(sync, one) == fingerprint(sync, call(7))
    assert fingerprint(sync, one) != fingerprint(sync, call(8))
    assert fingerprint(sync, call(7, b=1, a=2)) == fingerprint(sync, call(7, a=2, b=1))


def test_a_unique_job_is_known_by_its_function_and_arguments_for_a_day_unless_said():
    found = terms(unique=True)

    assert found.unique_key == f"shop.sync:{fingerprint(sync, call(7))}"
    assert found.unique_seconds == 86_400
    assert terms(unique=300).unique_seconds == 300


@pytest.mark.parametrize(
    ("made_by", "key"),
    [
        ("member:{member_id}", "member:7"),
        ("{provider}:{force}", "crm:False"),
        ("{rest}{colour}", "(1,)red"),
        ("plain", "plain"),
        ("{0}-{2}", "7-1"),
        (lambda member_id, *rest, **more: f"of {member_id}", "of 7"),
    ],
)
def test_a_key_is_made_of_the_arguments_by_a_template_or_a_function(made_by: Any, key: str):
    given = call(7, "crm", 1, colour="red")

    assert terms(given, unique_key=made_by).unique_key == key
    assert terms(given, overlap_key=made_by).overlap_key == key
    assert terms(given, rate_limit="1/m", rate_key=made_by).rate_key == key


def test_a_call_may_take_back_what_was_declared():
    assert terms(unique=False, unique_key="x", without_overlapping=False, overlap_key="x", rate_limit=False) == NO_TERMS


def test_a_rate_counts_the_function_unless_it_or_the_options_name_something():
    assert terms(rate_limit="30/m").rate_key == "job:shop.sync"
    assert terms(rate_limit=Rate(5, 10, key="mail")).rate_key == "mail"
    found = terms(rate_limit=Rate(5, 10, key="mail"), rate_key="mail:{provider}")
    assert (found.rate_key, found.rate_limit, found.rate_seconds) == ("mail:crm", 5, 10)


def test_a_job_that_must_not_overlap_counts_as_gone_a_little_past_its_time_limit_unless_said():
    found = terms(without_overlapping=True)

    assert (found.overlap_key, found.overlap_seconds) == ("job:shop.sync", 90)
    assert terms(without_overlapping=7).overlap_seconds == 7


def test_tags_are_templates_or_a_function_and_each_is_kept_once():
    assert terms(tags=("member:{member_id}", "sync", "sync")).tags == ("member:7", "sync")
    assert terms(tags=lambda member_id: [f"m{member_id}"]).tags == ("m7",)


def test_the_tenant_is_kept():
    assert TermsMaker("shop.sync", sync, JobOptions(), "acme").terms(call(7)).tenant == "acme"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unique_key": "{nobody}"}, "unique_key = '{nobody}', which cannot be filled.*has the arguments member_id"),
        ({"unique_key": "{member_id.pk}"}, "cannot be filled"),
        ({"unique_key": "{"}, "cannot be filled"),
        ({"unique_key": lambda: "x"}, "unique_key could not be made"),
        ({"unique_key": lambda member_id: None}, "unique_key came out as a NoneType; it must be text"),
        ({"overlap_key": "x" * 201}, "overlap_key came out 201 characters long; it must have 1 to 200"),
        ({"rate_key": "x"}, "has a rate_key but no rate_limit"),
        ({"tags": ["x" * 1_000_000]}, "tags came out 1,000,000 characters long"),
        ({"tags": [""]}, "tags came out 0 characters long"),
        ({"tags": ["\ud800"]}, "lone surrogate"),
        ({"tags": lambda member_id: "abc"}, "must be a list of texts"),
        ({"tags": [str(number) for number in range(21)]}, "21 tags; at most 20"),
        ({"tags": lambda member_id: [7]}, "tags came out as a int"),
    ],
)
def test_what_cannot_be_made_is_refused_with_what_was_found(options: dict[str, Any], message: str):
    with pytest.raises(InvalidJob, match=message):
        terms(**options)


@pytest.mark.parametrize("given", [call(), call(1, 2), call(member=1), call(1, member_id=1)])
def test_arguments_that_a_function_does_not_take_are_refused(given: Call):
    with pytest.raises(InvalidJob, match=r"shop\.strict cannot be queued: it does not take these arguments"):
        check_fit("shop.strict", strict, given)


def test_a_decorator_that_adds_an_argument_is_asked_itself():
    @wraps(strict)
    def with_member(*args: Any, **kwargs: Any) -> None:
        strict(1, *args, **kwargs)

    check_fit("shop.strict", with_member, call())
