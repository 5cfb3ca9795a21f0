from __future__ import annotations

import pytest

from allegro_queue.history.fingerprints import application_frame, failure_of, normalised
from tests.support.runs import TRACEBACK, failed_record, run_record


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 41 is closed", "order 7 is closed"),
        ("took 1.5 s", "took 22.75 s"),
        ("no member 'ada'", "no member 'it\\'s me'"),
        ('no key "a" in {"b"}', 'no key "ccc" in {"dd"}'),
        ("id 5f0c2d7e-8a41-4d55-9a38-1f3f0a6f2b10 gone", "id 00000000-8a41-4d55-9a38-1f3f0a6f2b10 gone"),
        ("<Order object at 0x7f3a>", "<Order object at 0x11>"),
        ("job 3f2a91c04d missing", "job 99999999ab missing"),
        ("cannot reach https://a.example/x?y=1", "cannot reach http://b.example/"),
        ("no mailbox ada@example.com", "no mailbox bob.b@x.org"),
        ("line one\n  line 2", "line one line 3"),
    ],
)
def test_messages_that_differ_in_what_changes_are_the_same(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("order is closed", "order is open"), ("no member", "no members"), ("md5 differs", "sha1 differs")],
)
def test_messages_that_say_something_else_are_not(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_a_message_of_a_megabyte_takes_no_time() -> None:
    assert len(normalised("'" * 1_000_000)) <= 300
    assert len(normalised("1a" * 500_000)) <= 300


def test_the_frame_is_the_innermost_of_the_application_without_its_line() -> None:
    assert application_frame(TRACEBACK) == "shop/orders/jobs.py in pay"
    moved = TRACEBACK.replace("line 57", "line 99")
    assert application_frame(moved) == application_frame(TRACEBACK)
    library = '  File "/usr/lib/python3.11/json/__init__.py", line 1, in loads\n'
    assert application_frame(TRACEBACK + library) == "shop/orders/jobs.py in pay"
    assert application_frame(library) == ""


def test_a_group_is_one_job_type_message_and_place() -> None:
    def fingerprint(**given: str) -> str:
        found = failure_of(failed_record(1.0, **given))
        assert found is not None
        return found.fingerprint

    base = fingerprint()
    assert fingerprint(error="ValueError: order 999 is closed") == base
    others = [
        fingerprint(name="shop.other"),
        fingerprint(error="KeyError: order 41 is closed"),
        fingerprint(error="ValueError: out of stock"),
        fingerprint(traceback=TRACEBACK.replace("in pay", "in refund")),
    ]
    assert len({base, *others}) == 5


def test_the_type_is_named_without_its_module_and_a_lost_worker_has_one_too() -> None:
    found = failure_of(failed_record(1.0, error="shop.errors.OutOfStock: none left"))
    assert found is not None
    assert (found.exception, found.message) == ("OutOfStock", "none left")
    lost = failure_of(failed_record(1.0, outcome="lost", error="worker 4121 on web-2 was killed by signal 9"))
    assert lost is not None
    assert (lost.exception, lost.message) == ("WorkerLost", "worker 4121 on web-2 was killed by signal 9")
    assert failure_of(run_record(1.0)) is None
    assert failure_of(run_record(1.0, outcome="stopped")) is None
