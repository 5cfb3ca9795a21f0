from __future__ import annotations

import pytest

from allegro_queue.terms import NO_TERMS, Terms, decode_terms


def test_terms_come_back_from_a_jobs_hash_as_they_were():
    terms = Terms(tags=("member:42",), tenant="7", isolate=True, backoff=(1.0, 5.0), rate_key="mail", rate_limit=3)

    assert decode_terms(terms.encode()) == terms


def test_a_job_that_asks_for_nothing_has_no_terms():
    assert NO_TERMS.encode() == ""
    assert decode_terms(None) == NO_TERMS


def test_fields_of_a_later_release_are_kept():
    assert '"colour":"red"' in decode_terms(b'{"colour": "red"}').encode()


@pytest.mark.parametrize("text", ["[]", "nonsense", '{"tags": 5}', '{"isolate": 1}', '{"unique_seconds": true}'])
def test_terms_that_cannot_be_read_are_an_error(text: str):
    with pytest.raises(ValueError, match=r"must be|Expecting"):
        decode_terms(text)
