from __future__ import annotations

from dataclasses import replace

import pytest

from allegro_queue.stores.run_record import SEPARATOR, RunRecord, decode_run

RECORD = RunRecord(
    execution_id="e1",
    job_id="j1",
    name="shop.jobs.pay",
    queue="high",
    worker="web-1:41:ab",
    supervisor="main",
    attempt=2,
    enqueued_at=1.5,
    started_at=2.25,
    ended_at=3.125,
    outcome="failed",
    call='["shop.jobs.pay", null, [1], {}]',
    error="ValueError: no such member",
    traceback="Traceback\n  …",
)


def test_a_record_comes_back_from_its_text_as_it_was():
    assert decode_run(RECORD.encode()) == RECORD


def test_a_separator_inside_a_value_shifts_no_other():
    found = decode_run(replace(RECORD, error=f"a{SEPARATOR}b").encode())

    assert found == replace(RECORD, error="a b")


@pytest.mark.parametrize("text", ["", "2", "1\x1fonly", RECORD.encode().replace("3.125000", "soon")])
def test_what_is_no_record_is_an_error(text: str):
    with pytest.raises(ValueError, match=r"run record|convert"):
        decode_run(text)
