from __future__ import annotations

import os
import signal
import time

import pytest

from allegro_queue.inbox import SignalInbox
from allegro_queue.supervision.process import LEFT, ChildProcess, fork
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
