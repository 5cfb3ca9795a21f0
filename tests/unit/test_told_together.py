"""Sentences that are told together, and errors that carry one."""

from __future__ import annotations

from django.utils import translation

from allegro_queue.tellings import in_a_list, one_after_another, telling, telling_of, told_by

WAITS = telling_of("no worker lives; {n} job waits", "no worker lives; {n} jobs wait", 1200)
SHUT = telling("no scheduler reports, so nothing is queued by the clock")


def test_an_error_that_carries_a_telling_is_told_in_any_language_and_others_as_they_are() -> None:
    assert told_by(ValueError(SHUT)) == SHUT
    assert told_by(ValueError("no {such} thing")).words == "no {such} thing"
    assert told_by(ValueError()).words == ""


def test_sentences_in_a_row_are_each_told_by_themselves() -> None:
    both = one_after_another(WAITS, SHUT)

    assert both.english == f"{WAITS.english} {SHUT.english}"
    assert in_a_list(SHUT) == SHUT
    with translation.override("he"):
        assert WAITS.words in both.words
        assert SHUT.words in both.words
