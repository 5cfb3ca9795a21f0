from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from allegro.audience.faults import told, words_of
from allegro.audience.health import Health
from allegro.audience.providers import ProviderFailed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_sign_in_waits_for_a_source_that_did_well():
    assert Health().why_not_now(NOW) == ""
    assert Health(busy_until=NOW - SECOND).why_not_now(NOW) == ""
    assert Health(failures_in_a_row=2, last_failure_at=NOW).why_not_now(NOW) == ""


def test_a_sign_in_does_not_wait_for_a_source_that_wants_to_be_left_alone_or_keeps_failing():
    assert "left alone" in Health(busy_until=NOW + SECOND).why_not_now(NOW)
    assert "failed 3 times in a row" in Health(failures_in_a_row=3, last_failure_at=NOW - 59 * SECOND).why_not_now(NOW)


def test_a_source_that_failed_is_tried_again_after_a_minute():
    assert Health(failures_in_a_row=30, last_failure_at=NOW - 61 * SECOND).why_not_now(NOW) == ""


def test_of_an_error_that_nobody_worded_only_kind_and_place_are_told():
    try:
        raise KeyError("the-key-of-the-account")
    except KeyError as error:
        words, fault = words_of(error), told(error, "crm")

    assert words.startswith("KeyError at test_health.py:")
    assert "the-key-of-the-account" not in words
    assert (type(fault), str(fault)) == (ProviderFailed, words)


def test_an_error_that_was_worded_to_be_read_is_told_as_it_is():
    fault = ProviderFailed("The source answered 500.")

    assert words_of(fault) == "The source answered 500."
    assert told(fault, "crm") is fault


@pytest.mark.parametrize("length", [500, 501, 5000])
def test_words_fit_into_their_column(length: int):
    assert len(words_of(ProviderFailed("x" * length))) == 500
