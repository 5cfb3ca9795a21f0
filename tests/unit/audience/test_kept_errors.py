"""Errors as rows keep them."""

from __future__ import annotations

from django.utils import translation

from allegro.audience.kept_errors import LONGEST, error_columns, error_words
from allegro_queue.tellings import telling, verbatim

FAULT = telling("The source's answer is not JSON.")


def test_an_error_is_told_in_the_reader_s_language() -> None:
    kept = error_columns(FAULT)

    with translation.override("he"):
        assert error_words(kept["error_said"], kept["error"]) == FAULT.words != FAULT.english


def test_an_error_of_a_version_that_had_english_only_is_read_as_it_is() -> None:
    assert error_words(None, "KeyError at {place}") == "KeyError at {place}"


def test_a_row_without_an_error_tells_none_whatever_was_told_before() -> None:
    assert error_columns(None, "last_error") == {"last_error": "", "last_error_said": None}
    assert error_words(FAULT.as_data(), "") == ""


def test_an_error_too_long_for_its_column_is_told_as_it_was_cut() -> None:
    kept = error_columns(verbatim("x" * (LONGEST + 1)))

    assert error_words(kept["error_said"], kept["error"]) == "x" * LONGEST
