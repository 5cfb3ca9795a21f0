from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator

import pytest

from allegro_queue.workers import time_limit
from allegro_queue.workers.time_limit import LEAVING, TimeLimit, TimeLimitExceeded, on_alarm
from tests.support.eventually import eventually


@pytest.fixture(autouse=True)
def no_timer_left() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    TimeLimit.armed = False


def work(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass


def test_code_that_runs_longer_than_its_limit_is_interrupted():
    with pytest.raises(TimeLimitExceeded, match="longer than its limit"), TimeLimit(0.05):  # type: ignore[arg-type]
        work(5)


def test_the_alarm_of_a_limit_that_is_over_harms_nobody():
    with TimeLimit(0.05):  # type: ignore[arg-type]
        pass

    eventually(lambda: signal.getitimer(signal.ITIMER_REAL)[0] == 0)


def test_code_without_a_limit_is_not_interrupted_by_the_alarm_of_the_code_before():
    with TimeLimit(0.05):  # type: ignore[arg-type]
        pass

    with TimeLimit(0):
        work(0.15)


def test_an_alarm_before_the_limit_is_up_is_not_taken_for_it():
    with TimeLimit(60):
        signal.raise_signal(signal.SIGALRM)


def test_code_that_puts_a_handler_of_its_own_there_leaves_no_timer_that_would_reach_it():
    with TimeLimit(60):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


class WorksAtItsEnd:
    """Python drops what is raised while such an object goes."""

    def __del__(self) -> None:
        work(0.15)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_job_whose_alarm_python_dropped_is_interrupted_by_the_next(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(time_limit, "AGAIN_SECONDS", 0.2)

    with pytest.raises(TimeLimitExceeded), TimeLimit(0.05):  # type: ignore[arg-type]
        WorksAtItsEnd()
        work(10)


def test_a_job_that_heeds_no_interruption_hears_it_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(time_limit, "AGAIN_SECONDS", 0.2)
    heard = 0

    with pytest.raises(TimeLimitExceeded), TimeLimit(0.05):  # type: ignore[arg-type]
        try:
            work(10)
        except TimeLimitExceeded:
            heard += 1
        work(10)

    assert heard == 1


def test_the_limit_is_no_longer_in_force_when_the_alarm_rings_as_it_ends():
    limit = TimeLimit(60)
    limit.setup_death_penalty()
    limit.due = 0.0

    sys.setprofile(lambda frame, event, _: event == "call" and frame.f_code in LEAVING and on_alarm(0, frame))
    try:
        limit.__exit__()
    finally:
        sys.setprofile(None)

    assert TimeLimit.running is None
