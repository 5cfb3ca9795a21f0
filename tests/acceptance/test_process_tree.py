from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from allegro_queue.dispatch import dispatch, dispatch_many
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.workers import WorkerRecord
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import Running, manage, running

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]


@contextmanager
def horizon(stores: Stores, name: str, *, from_scratch: bool = False, **environment: str) -> Iterator[Running]:
    """A real master of this name, once a worker of its is ready."""
    with running("horizon", "--name", name, from_scratch=from_scratch, **environment) as process:
        eventually(lambda: [each for each in ready(stores) if each.master == name], within=20, explain=process.said)
        yield process


def ready(stores: Stores) -> list[WorkerRecord]:
    return [each for each in stores.workers.living() if each.state == "idle"]


def line_in(file: Path, line: str) -> bool:
    return file.exists() and line in file.read_text().splitlines()


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_signal_to_every_process_of_the_tree_kills_no_running_job_and_starts_no_other(stores: Stores, tmp_path: Path):
    trail, release = tmp_path / "trail", tmp_path / "release"
    with horizon(stores, "web") as process:
        dispatch(jobs.hold, str(trail), str(release))
        dispatch(jobs.note, str(trail), "another")
        eventually(lambda: line_in(trail, "held"), explain=process.said)
        tree = [*children_of(process.pid), process.pid]
        for pid in [*tree, *tree]:
            # Those that hold no job may have left by the second round.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        began = time.monotonic()
        worker = eventually(lambda: [each for each in stores.workers.living() if each.state == "leaving"])[0].pid
        # Later again: what ends a tree of processes may say so more than once.
        eventually(lambda: time.monotonic() - began > 1.2)
        os.kill(worker, signal.SIGTERM)
        release.touch()

        assert process.wait() == 0, process.said()
    assert trail.read_text().splitlines() == ["held", "held ended"]
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 0
    assert stores.jobs.lengths(["default"]) == {"default": 1}


def test_quit_stops_the_running_job_at_once(stores: Stores, tmp_path: Path):
    with horizon(stores, "web") as process:
        dispatch(jobs.hold, str(tmp_path / "trail"), str(tmp_path / "never"))
        eventually(lambda: line_in(tmp_path / "trail", "held"), explain=process.said)

        process.send(signal.SIGQUIT)

        assert process.wait(within=5) == 0, process.said()
    rows, _ = stores.jobs.page(State.FAILED, QUEUES)
    assert "told twice to leave" in rows[0].error


def test_terminate_waits_until_the_running_job_is_done_and_all_have_left(stores: Stores, tmp_path: Path):
    trail, release = tmp_path / "trail", tmp_path / "release"
    with horizon(stores, "web") as process:
        dispatch(jobs.hold, str(trail), str(release))
        eventually(lambda: line_in(trail, "held"), explain=process.said)
        with running("horizon_terminate", "--wait") as waiting:
            eventually(lambda: stores.masters.living()[0].status == "leaving", within=20, explain=waiting.said)
            assert not waiting.has_ended()
            release.touch()
            assert waiting.wait() == 0, waiting.said()
            assert "All have left." in waiting.said()
        assert line_in(trail, "held ended")
        assert process.wait(within=2) == 0
    assert stores.workers.living() == []


def test_while_a_new_master_comes_and_the_old_one_drains_high_has_no_gap(stores: Stores, tmp_path: Path):
    """The longest time between two jobs of ``high``, which come at 50 a second, through two changes.

    A fresh worker takes the place of an old one, which lasts as long as it takes to start on a machine with much else to
    do; never as long as a whole Horizon process takes there.
    """
    beats, release = tmp_path / "beats", tmp_path / "release"
    stop = threading.Event()

    sent: list[str] = []

    def produce() -> None:
        while not stop.wait(0.02):
            sent.append(dispatch(jobs.note_the_time, str(beats), options=JobOptions(queue="high")))

    with horizon(stores, "old") as old:
        producer = threading.Thread(target=produce)
        producer.start()
        try:
            eventually(lambda: beats.exists() and len(beats.read_text().splitlines()) > 20, explain=old.said)
            dispatch(jobs.hold, str(tmp_path / "trail"), str(release), options=JobOptions(queue="high"))
            began = time.monotonic()
            with horizon(stores, "new") as new:
                start = time.monotonic() - began
                old.send(signal.SIGTERM)
                eventually(lambda: old.has_ended() or "heard terminate" in old.said(), explain=old.said)
                new.send(signal.SIGUSR1)
                before = len(beats.read_text().splitlines())
                eventually(lambda: len(beats.read_text().splitlines()) > before + 50, explain=new.said)
                release.touch()
                assert old.wait(within=20) == 0, old.said()
                stop.set()
                producer.join()
                eventually(lambda: len(beats.read_text().splitlines()) == len(sent), within=20, explain=new.said)
        finally:
            stop.set()
            producer.join()
    times = sorted(float(each) for each in beats.read_text().splitlines())
    assert max(later - earlier for earlier, later in pairwise(times)) < max(2.0, start)
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 0


def test_workers_that_die_at_boot_are_started_ever_more_slowly_and_the_page_says_so(stores: Stores, tmp_path: Path):
    trail = tmp_path / "deaths"
    with running(
        "horizon", DJANGO_SETTINGS_MODULE="tests.support.faulty", FAULT="at boot", FAULT_TRAIL=str(trail),
        FAULT_TIMES="1000",
    ) as process:  # fmt: skip
        eventually(trail.exists, within=20, explain=process.said)
        began = time.monotonic()

        eventually(lambda: time.monotonic() - began > 29, within=40)

        assert 3 <= trail.stat().st_size <= 6
        trouble = stores.masters.living()[0].supervisors[0].trouble
        assert "in a row ended within 5 s of their start (the last was killed by signal 9 (SIGKILL)" in trouble
        assert "children do not stay alive: " in process.said()
        assert "in a row ended within 5 s" in manage("horizon_list").stdout


def test_a_worker_whose_job_never_lets_go_of_the_interpreter_is_killed_by_its_deadline(stores: Stores, tmp_path: Path):
    with horizon(stores, "web") as process:
        job_id = dispatch(jobs.hold_the_interpreter, str(tmp_path / "trail"), options=JobOptions(timeout=2))
        eventually((tmp_path / "trail").exists, explain=process.said)
        began = time.monotonic()

        eventually(lambda: stores.jobs.rows([job_id])[0].status == "failed", within=10, explain=process.said)

        assert time.monotonic() - began < 2 + 5
        lost = eventually(lambda: stores.workers.lost(since=0))[0]
        assert "past its time limit" in lost.reason
    assert json.loads(manage("horizon_list", "--json").stdout)["workers"] == []


def test_the_job_of_a_host_that_died_is_settled_by_another_master_within_half_a_minute(stores: Stores, tmp_path: Path):
    with horizon(stores, "dies") as dies:
        job_id = dispatch(jobs.hold, str(tmp_path / "trail"), str(tmp_path / "never"))
        eventually(lambda: line_in(tmp_path / "trail", "held"), explain=dies.said)
        with horizon(stores, "lives") as lives:
            worker = next(each for each in stores.workers.living() if each.job_id == job_id)
            for pid in (dies.pid, worker.pid):
                os.kill(pid, signal.SIGKILL)

            eventually(lambda: stores.jobs.rows([job_id])[0].status == "failed", within=30, explain=lives.said)

            lost = eventually(lambda: stores.workers.lost(since=0), explain=lives.said)
            assert [(each.name, each.outcome) for each in lost] == [(worker.name, "failed")]


def test_a_killed_worker_is_replaced_in_no_time(stores: Stores, tmp_path: Path):
    trail = tmp_path / "trail"
    with horizon(stores, "web") as process:
        dispatch(jobs.note_the_time, str(trail))
        eventually(trail.exists, explain=process.said)
        waits = []
        for _ in range(7):
            worker = next(each for each in stores.workers.living() if is_alive(each.pid))
            ran = len(trail.read_text().splitlines())
            killed = time.monotonic()
            os.kill(worker.pid, signal.SIGKILL)
            dispatch(jobs.note_the_time, str(trail))
            eventually(lambda ran=ran: len(trail.read_text().splitlines()) > ran, explain=process.said)
            waits.append(float(trail.read_text().splitlines()[-1]) - killed)
            eventually(lambda: [each for each in ready(stores) if is_alive(each.pid)], explain=process.said)
    print(f"median {median(waits):.3f} s, longest {max(waits):.3f} s")
    assert median(waits) < 0.5


def test_five_workers_share_so_much_that_none_takes_more_than_20_mib(stores: Stores):
    """After 200 jobs each, with what is shared divided among those who share it."""
    host = {"ALLOWED_HOSTS": "test.example", "SITE_URL": "https://test.example", "DEFAULT_FROM_EMAIL": "a@test.example"}
    with horizon(stores, "web", from_scratch=True, APP_ENV="staging", EMAIL_URL="consolemail://", **host) as process:
        dispatch_many(jobs.nothing, [()] * 1000)
        # The fewest in this environment are five.
        workers = eventually(lambda: mine if len(mine := ready(stores)) == 5 else [], within=30, explain=process.said)
        eventually(lambda: sum(each.done for each in ready(stores)) == 1000, within=30, explain=process.said)

        assert median(proportional_memory(each.pid) for each in workers) <= 20


def proportional_memory(pid: int) -> float:
    """Mebibytes of a process by the kernel's account."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
