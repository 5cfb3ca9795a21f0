from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from allegro_queue.supervision.maintenance import Maintenance


def asked(*answers: bool | Exception) -> Maintenance:
    """Over a function that gives these answers, one after the other."""
    left: Iterator[bool | Exception] = iter(answers)

    def ask() -> bool:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Maintenance(ask)


def test_the_last_answer_holds_while_the_function_fails() -> None:
    maintenance = asked(True, OSError("no disk"), False, OSError("no disk"), True)

    assert [maintenance.is_on() for _ in range(5)] == [True, True, False, False, True]


def test_before_its_first_answer_no_maintenance_is_taken_to_be() -> None:
    assert not asked(OSError("no disk")).is_on()


def test_a_function_that_goes_on_failing_is_logged_once_until_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    maintenance = asked(OSError("no disk"), OSError("no disk"), False, OSError("no net"))

    for _ in range(4):
        maintenance.is_on()

    told = [record.exc_info[1] for record in caplog.records if record.levelno == logging.ERROR and record.exc_info]
    assert [str(each) for each in told] == ["no disk", "no net"]
