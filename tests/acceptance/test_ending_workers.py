"""One worker of many is ended, through Redis, by the master that looks after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.workers import WorkerRecord
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import Running, manage, running

pytestmark = pytest.mark.django_db(transaction=True)


def runs(stores: Stores, job_id: str) -> WorkerRecord | None:
    """The worker that says that it runs a job."""
    return next((each for each in stores.workers.living() if each.job_id == job_id and each.state == "busy"), None)


def of(stores: Stores, process: Running) -> list[WorkerRecord]:
    """Workers that a master says it wants to keep."""
    names = {
        name
        for each in stores.masters.living()
        if each.pid == process.pid
        for one in each.supervisors
        for name in one.workers
    }
    return [each for each in stores.workers.living() if each.name in names]


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def test_a_worker_told_to_end_finishes_its_job_while_a_fresh_one_works(stores: Stores, tmp_path: Path):
    trail, release = tmp_path / "trail", tmp_path / "release"
    with running("horizon", "--name", "one") as one:
        job_id = dispatch(jobs.hold, str(trail), str(release))
        worker = eventually(lambda: runs(stores, job_id), within=20, explain=one.said)

        with running("horizon_terminate", "--worker", worker.name, "--reason", "leaks", "--wait") as command:
            eventually(
                lambda: [each for each in of(stores, one) if each.name != worker.name], within=20, explain=command.said
            )
            dispatch(jobs.note, str(tmp_path / "other"), "ran")
            eventually(lambda: lines(tmp_path / "other") == ["ran"], explain=one.said)
            assert lines(trail) == ["held"]
            assert not command.has_ended()
            release.touch()
            assert command.wait() == 0, command.said()
            assert f"was told that {worker.name} is to leave after its job" in command.said()

    assert lines(trail) == ["held", "held ended"]
    assert stores.jobs.rows([job_id])[0].status == "finished"
    assert stores.workers.lost(since=0) == []


def test_only_the_killed_worker_dies_and_its_job_is_tried_again(stores: Stores, tmp_path: Path, client: Client):
    """With two masters, as on two hosts; the page sends the word."""
    trail, release = tmp_path / "trail", tmp_path / "release"
    with running("horizon", "--name", "one") as one, running("horizon", "--name", "two") as two:
        eventually(lambda: of(stores, one) and of(stores, two), within=20, explain=one.said)
        job_id = dispatch(jobs.hold, str(trail), str(release), options=JobOptions(tries=2))
        worker = eventually(lambda: runs(stores, job_id), within=20, explain=one.said)
        others = {each.name for each in stores.workers.living()} - {worker.name}

        client.post(reverse("horizon:end_worker"), {"worker": worker.name, "word": "kill", "reason": "stuck"})

        eventually(lambda: lines(trail) == ["held", "held"], within=20, explain=one.said)
        [lost] = eventually(lambda: stores.workers.lost(since=0))
        assert (lost.name, lost.outcome) == (worker.name, "retried")
        assert lost.reason == "was killed (SIGKILL) by somebody on this machine: stuck"
        assert others <= {each.name for each in stores.workers.living()}
        eventually(lambda: len(of(stores, one)) == len(of(stores, two)) == 1, explain=one.said)
        assert "in a row ended" not in one.said() + two.said()
        release.touch()
        eventually(lambda: stores.jobs.rows([job_id])[0].status == "finished", explain=one.said)


def test_a_killed_workers_job_without_tries_left_fails_and_names_who_asked_and_why(stores: Stores, tmp_path: Path):
    with running("horizon") as one:
        job_id = dispatch(jobs.hold, str(tmp_path / "trail"), str(tmp_path / "never"))
        worker = eventually(lambda: runs(stores, job_id), within=20, explain=one.said)
        eventually(lambda: lines(tmp_path / "trail") == ["held"], explain=one.said)

        told = manage("horizon_terminate", "--worker", worker.name, "--kill", "--reason", "stuck", "--wait")

        assert told.returncode == 0, told.stderr
        eventually(lambda: stores.jobs.counts(["default"])[State.FAILED] == 1)
        [row] = stores.jobs.page(State.FAILED, ["default"])[0]
        assert f"worker {worker.pid} on {worker.host} was killed (SIGKILL) by " in row.error
        assert row.error.endswith(": stuck")


def test_a_worker_by_hand_leaves_when_told_and_is_killed_by_nobody(stores: Stores):
    with running("rqworker", "default") as by_hand:
        [worker] = eventually(lambda: [each for each in stores.workers.living() if each.state == "idle"], within=20)

        refused = manage("horizon_terminate", "--worker", worker.name, "--kill")
        assert refused.returncode == 1
        assert "was started by hand" in refused.stderr
        told = manage("horizon_terminate", "--worker", worker.name)
        assert told.returncode == 0, told.stderr
        assert by_hand.wait() == 0, by_hand.said()


def test_a_name_that_nobody_has_is_refused_with_the_nearest(stores: Stores):
    with running("horizon") as one:
        [worker] = eventually(lambda: of(stores, one), within=20, explain=one.said)

        refused = manage("horizon_terminate", "--worker", worker.name + "x")

        assert refused.returncode == 1
        assert f"did you mean '{worker.name}'?" in refused.stderr
        assert json.loads(manage("horizon_list", "--json").stdout)["workers"][0]["name"] == worker.name
