"""Processes that are forked from one that has loaded the libraries are like any others."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from redis import Redis

from tests.support.dev_run import is_alive
from tests.support.eventually import eventually
from tests.support.nursed import Nursery
from tests.support.running import MANAGE, manage, running

UNSCHEDULED = {"DJANGO_SETTINGS_MODULE": "tests.support.unscheduled"}


def test_it_has_an_output_an_exit_code_a_session_and_a_title_of_its_own(redis: Redis):
    with running("rqscheduler", **UNSCHEDULED) as process:
        eventually(lambda: "scheduler started" in process.said(), explain=process.said)
        assert os.getsid(process.pid) == process.pid
        assert Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(b"horizon scheduler")
        process.send(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL

    refused = manage("rqscheduler", "--interval", "0")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "it must be more than 0" in refused.stderr


def test_what_tests_leave_running_is_killed_when_they_have_gone(redis: Redis, tmp_path: Path):
    nursery = Nursery()
    with open(os.devnull) as nothing, (tmp_path / "said").open("w+") as output:
        pid = nursery.ask(
            {"command": [str(MANAGE), "rqscheduler"], "environment": {**os.environ, **UNSCHEDULED}},
            [nothing.fileno(), output.fileno(), output.fileno()],
        )
        eventually(lambda: "scheduler started" in (tmp_path / "said").read_text(), within=20)

    nursery.close()

    eventually(lambda: not is_alive(pid))
