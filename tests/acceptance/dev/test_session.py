from __future__ import annotations

import io
import signal
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from allegro.dev.children import Program
from allegro.dev.output import MergedLog
from allegro.dev.session import SIGNALS, Session
from allegro_queue.inbox import SignalInbox
from tests.support.eventually import eventually

WAITING = """
    import signal
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    print("started", flush=True)
"""
PATIENT = (
    WAITING
    + """
    while signal.sigwait([signal.SIGTERM]):
        print("heard", flush=True)
"""
)
POLITE = (
    WAITING
    + """
    signal.sigwait([signal.SIGTERM])
    print("left", flush=True)
"""
)
HURRIED = (
    WAITING
    + """
    for heard in (1, 2):
        signal.sigwait([signal.SIGTERM])
        print("heard", heard, flush=True)
"""
)


class Run:
    """A session over programs of a test; it runs in the test's thread, so what happens meanwhile is told by another."""

    def __init__(self) -> None:
        self.inbox = SignalInbox(SIGNALS)
        self.stream = io.StringIO()
        self.log = MergedLog(self.stream, colour=False)
        self.changed: list[Path] = []
        self.trouble = ""
        self.is_ready = False
        self.failures: list[BaseException] = []

    def of(self, programs: list[Program], then: Callable[[], None]) -> int:
        """Run to the end while ``then`` is done beside it; the exit code."""
        session = Session(
            programs,
            inbox=self.inbox,
            log=self.log,
            changes=self.take_changes,
            trouble=lambda: self.trouble,
            is_ready=lambda: self.is_ready,
            welcome={"Dashboard": "here"},
        )

        def beside() -> None:
            try:
                then()
            except BaseException as error:
                self.failures.append(error)
                self.stop()

        thread = threading.Thread(target=beside)
        thread.start()
        code = session.run()
        thread.join()
        assert not self.failures, self.failures
        return code

    def take_changes(self) -> list[Path]:
        changed, self.changed = self.changed, []
        return changed

    def stop(self) -> None:
        self.inbox.deliver(signal.SIGINT)

    def says(self, line: str, times: int = 1) -> None:
        eventually(lambda: self.lines().count(line) >= times, explain=self.stream.getvalue)

    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def run() -> Run:
    return Run()


def program(name: str, code: str, grace: float = 20, *, needs_pages: bool = False) -> Program:
    return Program(
        name=name, command=(sys.executable, "-c", textwrap.dedent(code)), grace=grace, needs_pages=needs_pages
    )


def test_what_needs_the_pages_is_started_once_they_can_be_opened(run):
    def then() -> None:
        run.says("web     │ started")
        assert "horizon │ started" not in run.lines()
        run.is_ready = True
        run.says("horizon │ started")
        run.stop()

    assert run.of([program("web", POLITE), program("horizon", POLITE, needs_pages=True)], then) == 0
    assert run.lines()[-2:] == ["web     │ left", "horizon │ left"]


def test_what_needs_the_pages_is_never_started_when_the_stop_comes_before_them(run):
    def then() -> None:
        run.says("web     │ started")
        run.stop()

    assert run.of([program("web", POLITE), program("horizon", POLITE, needs_pages=True)], then) == 0
    assert not any("horizon" in line for line in run.lines())


def test_programs_are_stopped_one_after_the_other_in_their_order(run):
    def then() -> None:
        run.says("web     │ started")
        run.says("horizon │ started")
        run.stop()

    assert run.of([program("web", POLITE), program("horizon", POLITE)], then) == 0

    assert [each for each in run.lines() if each.endswith("left")] == ["web     │ left", "horizon │ left"]


def test_a_program_that_does_not_leave_is_killed_when_its_grace_is_over(run):
    def then() -> None:
        run.says("web     │ started")
        run.stop()

    assert run.of([program("web", PATIENT, grace=0.5)], then) == 0

    assert "web     │ heard" in run.lines()


def test_a_second_signal_asks_a_program_to_leave_at_once(run):
    def then() -> None:
        run.says("horizon │ started")
        run.stop()
        run.says("horizon │ heard 1")
        run.stop()

    assert run.of([program("horizon", HURRIED, grace=600)], then) == 0

    assert "horizon │ heard 2" in run.lines()


def test_a_program_that_ends_by_itself_stops_the_others_and_is_a_failure(run):
    code = run.of([program("web", POLITE), program("horizon", "raise SystemExit(3)")], lambda: None)

    assert code == 1
    assert "dev     │ horizon ended with exit code 3, so everything stops. Its lines above say why." in run.lines()


def test_trouble_with_the_server_stops_everything_and_is_a_failure(run):
    def then() -> None:
        run.says("web     │ started")
        run.trouble = "The Redis server is gone."

    assert run.of([program("web", POLITE)], then) == 1

    assert "dev     │ The Redis server is gone." in run.lines()
    assert "web     │ left" in run.lines()


def test_a_signal_during_a_restart_ends_it_for_good(run):
    def then() -> None:
        run.says("web     │ started")
        run.changed = [Path("models.py")]
        run.says("web     │ heard")
        run.stop()

    assert run.of([program("web", PATIENT, grace=1)], then) == 0

    assert run.lines().count("web     │ started") == 1


def test_a_log_that_nobody_reads_any_more_stops_everything(run):
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    run.log = MergedLog(Closed(), colour=False)

    assert run.of([program("web", POLITE)], lambda: None) == 0
