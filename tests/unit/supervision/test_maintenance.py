from __future__ import annotations

import logging

import pytest

from allegro_queue.supervision.asking import SharedAnswer
from allegro_queue.supervision.maintenance import SILENT_SECONDS, Maintenance
from allegro_queue.supervision.pool import ProcessPool
from tests.support.children import FakeChild

LONG = SILENT_SECONDS
START = 100.0


class Scene:
    """A master's view, and the child that asks."""

    def __init__(self) -> None:
        self.answer = SharedAnswer()
        self.born: list[FakeChild] = []
        self.pool = ProcessPool(self.spawn, grace=1)
        self.maintenance = Maintenance(self.pool, self.answer)
        self.pool.scale(1, START)
        self.pool.tick(START)

    def spawn(self, now: float) -> FakeChild:
        self.born.append(FakeChild(now))
        return self.born[-1]


def test_nothing_is_known_until_the_first_answer() -> None:
    scene = Scene()
    assert scene.maintenance.look(START) is None

    scene.answer.note_answer(True, START + 1)

    assert scene.maintenance.look(START + 1) is True


def test_who_waits_for_a_first_answer_in_vain_takes_it_for_a_no_after_a_while() -> None:
    scene = Scene()
    assert scene.maintenance.look(START) is None
    assert scene.maintenance.look(START + LONG - 0.1) is None

    assert scene.maintenance.look(START + LONG) is False


def test_an_answer_holds_when_no_other_comes_and_that_it_is_old_is_told_until_one_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    scene.maintenance.look(START)
    scene.answer.note_answer(True, START + 5)

    with caplog.at_level(logging.INFO, "allegro_queue.supervision"):
        assert scene.maintenance.look(START + 5 + LONG - 0.1) is True
        assert (scene.maintenance.silent_since, caplog.messages) == (None, [])
        for later in range(3):
            assert scene.maintenance.look(START + 5 + LONG + later) is True
        assert scene.maintenance.silent_since == START + 5

        scene.answer.note_answer(False, START + 40)
        assert scene.maintenance.look(START + 40) is False
        assert scene.maintenance.silent_since is None

    assert caplog.messages == [
        "HORIZON['maintenance'] has not answered for 15 s; its last answer holds: yes",
        "HORIZON['maintenance'] answers: no",
    ]


def test_who_asks_for_too_long_is_killed_and_another_gets_as_long() -> None:
    scene = Scene()
    scene.answer.note_question(START + 1)

    scene.maintenance.look(START + LONG)
    assert scene.born[0].received == []
    scene.maintenance.look(START + 1 + LONG)
    assert scene.born[0].received == ["SIGTERM", "SIGKILL"]

    scene.pool.tick(START + 20)
    scene.maintenance.look(START + 20 + LONG - 0.1)
    assert scene.born[1].received == []
    scene.maintenance.look(START + 20 + LONG)
    assert scene.born[1].received == ["SIGTERM", "SIGKILL"]


def test_who_rests_between_two_questions_is_left_alone_however_long_it_lives() -> None:
    scene = Scene()
    scene.answer.note_question(START + 1)
    scene.answer.note_failure()

    scene.maintenance.look(START + 10 * LONG)

    assert scene.born[0].received == []
    assert len(scene.born) == 1
