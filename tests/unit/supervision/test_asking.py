from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from allegro_queue.supervision.asking import Asker, SharedAnswer


def asked(answer: SharedAnswer, *answers: bool | BaseException) -> Asker:
    """Over a function that gives these answers, one after the other."""
    left: Iterator[bool | BaseException] = iter(answers)

    def ask() -> bool:
        assert answer.asked_at > 0
        given = next(left)
        if isinstance(given, BaseException):
            raise given
        return given

    return Asker(ask, answer)


def test_the_last_answer_holds_while_the_function_fails() -> None:
    answer = SharedAnswer()
    asker = asked(answer, True, OSError("no disk"), False, SystemExit(0), True)
    said = []

    for _ in range(5):
        asker.ask()
        said.append(answer.is_on)

    assert said == [True, True, False, False, True]
    assert answer.asked_at == 0


def test_nothing_is_known_before_the_first_question_and_no_maintenance_is_taken_to_be_when_that_fails() -> None:
    answer = SharedAnswer()
    assert answer.is_on is None

    asked(answer, OSError("no disk")).ask()

    assert answer.is_on is False
    assert answer.answered_at == 0


def test_a_function_that_goes_on_failing_is_logged_once_until_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    asker = asked(SharedAnswer(), OSError("no disk"), OSError("no disk"), False, OSError("no net"))

    for _ in range(4):
        asker.ask()

    told = [record.exc_info[1] for record in caplog.records if record.levelno == logging.ERROR and record.exc_info]
    assert [str(each) for each in told] == ["no disk", "no net"]


def test_what_was_answered_in_a_child_is_read_when_that_is_dead() -> None:
    answer = SharedAnswer()

    pid = os.fork()
    if pid == 0:
        answer.note_answer(True, 12.5)
        answer.note_question(17.5)
        os._exit(0)
    os.waitpid(pid, 0)

    assert (answer.is_on, answer.answered_at, answer.asked_at) == (True, 12.5, 17.5)
