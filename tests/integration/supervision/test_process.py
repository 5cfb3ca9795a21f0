from __future__ import annotations

import os
import signal
import time

import pytest

from allegro_queue.endings import LEFT
from allegro_queue.inbox import SignalInbox
from allegro_queue.supervision.asking import SharedAnswer, run_asking
from allegro_queue.supervision.process import ChildProcess, fork
from tests.support.eventually import eventually


def dawdle() -> int:
    time.sleep(3)
    return 3


def test_a_child_told_to_leave_right_after_the_fork_leaves_and_counts_as_no_death(monkeypatch: pytest.MonkeyPatch):
    real_fork = os.fork

    def fork_and_tell() -> int:
        pid = real_fork()
        if pid == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return pid

    monkeypatch.setattr(os, "fork", fork_and_tell)
    with SignalInbox():
        child = ChildProcess("told", fork(dawdle), time.monotonic())

    assert eventually(child.ended) == LEFT


def test_a_death_by_a_real_time_signal_is_told_in_words():
    child = ChildProcess("hit", fork(dawdle), time.monotonic())

    os.kill(child.pid, signal.SIGRTMIN + 3)

    assert str(eventually(child.ended)) == f"was killed by signal {signal.SIGRTMIN + 3} (real-time signal)"


def test_who_asks_a_function_that_hangs_leaves_at_once_when_told():
    answer = SharedAnswer()

    def hang() -> bool:
        time.sleep(3600)
        return True

    def child() -> int:
        run_asking(hang, answer)
        return 0

    asking = ChildProcess("asking", fork(child), time.monotonic())
    eventually(lambda: answer.asked_at)
    assert asking.ended() is None

    asking.send(signal.SIGTERM)

    assert eventually(asking.ended, within=5) == LEFT
