from __future__ import annotations

import json
import signal
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.masters import SupervisorRecord
from allegro_queue.stores.pauses import Pause
from allegro_queue.stores.workers import WorkerRecord
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import Running, manage, running

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]


def supervising(
    *arguments: str, horizon: dict[str, Any] | None = None, **options: Any
) -> AbstractContextManager[Running]:
    """A real master with one supervisor of these options, and other settings of Horizon's."""
    return running(
        "horizon",
        *arguments,
        DJANGO_SETTINGS_MODULE="tests.support.supervised",
        TEST_HORIZON=json.dumps(horizon or {}),
        TEST_SUPERVISORS=json.dumps({"one": {"queue": QUEUES, **options}}),
    )


def hold(stores: Stores, count: int, folder: Path, queue: str = "default") -> Path:
    """Dispatch jobs that run until the file exists, which is returned. They are seen all at once."""
    release = folder / f"release-{queue}"
    stores.pauses.pause(Pause(queue=queue, since=0))
    for _ in range(count):
        dispatch(jobs.hold, str(folder / "trail"), str(release), options=JobOptions(queue=queue))
    stores.pauses.resume(queue)
    return release


def workers(stores: Stores, *states: str, queues: list[str] | None = None) -> list[WorkerRecord]:
    return [
        each
        for each in stores.workers.living()
        if each.state in (states or ("idle", "busy")) and (queues is None or each.queues == tuple(queues))
    ]


def supervisor(stores: Stores) -> SupervisorRecord:
    return stores.masters.living()[0].supervisors[0]


def sizes(stores: Stores) -> dict[str, int]:
    """Workers by queue, as the supervisor's record has them."""
    return {",".join(each.queue): each.workers for each in supervisor(stores).pools}


@pytest.mark.parametrize(("environment", "count"), [("local", 1), ("staging", 5), ("production", 5)])
def test_the_environment_says_how_many_workers_there_are(environment: str, count: int, stores: Stores, tmp_path: Path):
    with running("horizon", "--environment", environment) as process:
        eventually(lambda: len(workers(stores, "idle")) == count, within=20, explain=process.said)
        release = hold(stores, count + 2, tmp_path)

        eventually(lambda: len(workers(stores, "busy")) == count, explain=process.said)

        assert stores.jobs.lengths(["default"]) == {"default": 2}
        assert len(workers(stores)) == count
        release.touch()


def test_workers_come_at_once_under_load_and_leave_after_a_quiet_time(stores: Stores, tmp_path: Path):
    with supervising(max_processes=3, scale_down_after=1) as process:
        eventually(lambda: len(workers(stores, "idle")) == 1, within=20, explain=process.said)
        release = hold(stores, 8, tmp_path)

        eventually(lambda: len(workers(stores, "busy")) == 3, within=5, explain=process.said)
        eventually(lambda: len(supervisor(stores).workers) == 3, explain=process.said)
        assert supervisor(stores).explanation.startswith("grew 1 → 3: ")
        assert "one  running  3 of 3 workers (1 to 3)" in manage("horizon_list").stdout

        release.touch()
        eventually(lambda: len(supervisor(stores).workers) == 1, explain=process.said)
        eventually(lambda: len(stores.workers.living()) == 1, explain=process.said)

        # On a busy machine the last jobs may end one by one.
        assert supervisor(stores).explanation.startswith("shrank 3 → 1: ")
        assert supervisor(stores).explanation.endswith(" for 1 s")
        assert "pool scaled supervisor=one queues=high,default,audience-sync grew 1 → 3: " in process.said()
        assert "pool scaled supervisor=one queues=high,default,audience-sync shrank 3 → 1" in process.said()
        assert (tmp_path / "trail").read_text().splitlines().count("held ended") == 8


def test_auto_balance_moves_workers_to_the_loaded_queue_and_ends_no_job(stores: Stores, tmp_path: Path):
    with supervising(balance="auto", max_processes=6, balance_max_shift=3, balance_cooldown=1) as process:
        for queue in QUEUES:
            eventually(lambda queue=queue: workers(stores, "idle", queues=[queue]), within=20, explain=process.said)
        release = hold(stores, 4, tmp_path, "default")
        eventually(lambda: len(workers(stores, "busy", queues=["default"])) == 4, explain=process.said)

        late = hold(stores, 40, tmp_path, "audience-sync")
        release.touch()

        eventually(lambda: len(workers(stores, "busy", queues=["audience-sync"])) == 4, explain=process.said)
        eventually(lambda: len(workers(stores, queues=["default"])) == 1, explain=process.said)
        eventually(lambda: sizes(stores) == {"high": 1, "default": 1, "audience-sync": 4}, explain=process.said)
        explanation = supervisor(stores).pools[2].explanation
        assert "grew 1 → 4: " in explanation
        assert "of the work by time" in explanation
        assert (tmp_path / "trail").read_text().splitlines().count("held ended") == 4
        assert stores.jobs.counts(QUEUES)[State.FAILED] == 0
        late.touch()


def test_simple_balance_splits_the_workers_evenly(stores: Stores):
    with supervising(balance="simple", max_processes=6) as process:
        eventually(lambda: len(workers(stores, "idle")) == 6, within=20, explain=process.said)

        assert [len(workers(stores, queues=[queue])) for queue in QUEUES] == [2, 2, 2]
        assert "one  running  6 of 6 workers  high, default, audience-sync  balance: simple" in (
            manage("horizon_list").stdout
        )


def test_a_second_process_of_one_name_is_refused_while_the_first_lives(stores: Stores):
    with running("horizon", "--name", "web") as first:
        eventually(lambda: workers(stores, "idle"), within=20, explain=first.said)

        with running("horizon", "--name", "web") as second:
            assert second.wait(within=20) == 1
            assert f"A Horizon process named 'web' is running already: pid {first.pid} on " in second.said()

        assert [each.pid for each in stores.masters.living()] == [first.pid]
        assert len(stores.workers.living()) == 1


def test_the_name_of_a_killed_process_is_free_at_once(stores: Stores):
    with running("horizon", "--name", "web") as first:
        eventually(lambda: workers(stores, "idle"), within=20, explain=first.said)
        first.send(signal.SIGKILL)
        first.wait()

    with running("horizon", "--name", "web") as second:
        eventually(lambda: [each.pid for each in stores.masters.living()] == [second.pid], explain=second.said)


def test_one_supervisor_is_paused_and_goes_on_on_every_host(stores: Stores):
    with running("horizon", "--name", "a") as first, running("horizon", "--name", "b") as second:
        eventually(lambda: len(workers(stores, "idle")) == 2, within=20, explain=first.said)

        result = manage("horizon_pause", "--supervisor", "supervisor-1", "--reason", "maintenance")
        assert result.stdout == "supervisor-1 is paused at a, b. Running jobs finish.\n", result.stderr
        eventually(lambda: len(workers(stores, "paused")) == 2, explain=second.said)
        eventually(lambda: supervisor(stores).status == "paused", explain=first.said)
        assert supervisor(stores).pause_reason == "maintenance"
        assert manage("horizon_status").returncode == 1
        assert "maintenance" in manage("horizon_list").stdout

        result = manage("horizon_continue", "--supervisor", "supervisor-1")
        assert result.stdout == "supervisor-1 takes jobs again at a, b.\n", result.stderr
        eventually(lambda: len(workers(stores, "idle")) == 2, explain=second.said)
        eventually(lambda: manage("horizon_status").returncode == 0, explain=first.said)


def test_a_paused_supervisor_stays_paused_when_horizon_is_started_anew(stores: Stores):
    with running("horizon") as first:
        eventually(lambda: workers(stores, "idle"), within=20, explain=first.said)
        assert manage("horizon_pause", "--supervisor", "supervisor-1", "--reason", "maintenance").returncode == 0
        eventually(lambda: workers(stores, "paused"), explain=first.said)

    with running("horizon") as second:
        eventually(stores.masters.living, within=20, explain=second.said)
        eventually(lambda: supervisor(stores).pause_reason == "maintenance", explain=second.said)
        assert stores.workers.living() == []

        assert manage("horizon_continue").returncode == 0
        eventually(lambda: workers(stores, "idle"), explain=second.said)
    assert stores.controls.kept(now=0) == []


def test_pausing_an_unknown_supervisor_names_the_nearest(stores: Stores):
    assert "No Horizon process is running" in manage("horizon_pause", "--supervisor", "supervisor-1").stderr
    with running("horizon") as process:
        eventually(lambda: workers(stores, "idle"), within=20, explain=process.said)

        result = manage("horizon_pause", "--supervisor", "superviser-1")

        assert result.returncode == 1
        assert "has a supervisor 'superviser-1'; did you mean 'supervisor-1'?" in result.stderr


def test_two_masters_share_the_limit_of_the_cluster_and_say_so(stores: Stores, tmp_path: Path):
    cluster = {"max_processes": 4}
    with supervising("--name", "a", horizon=cluster, max_processes=3) as first:
        release = hold(stores, 12, tmp_path)
        eventually(lambda: len(workers(stores, "busy")) == 3, within=20, explain=first.said)
        with supervising("--name", "b", horizon=cluster, max_processes=3) as second:
            eventually(lambda: len(workers(stores, "busy")) == 4, within=20, explain=second.said)
            eventually(
                lambda: "asked for 3, 1 allowed: the cluster may have 4" in manage("horizon_list").stdout,
                explain=second.said,
            )
            assert len(stores.workers.living()) == 4

            first.send(signal.SIGTERM)
            eventually(lambda: len(workers(stores, "leaving")) == 3, explain=first.said)
            assert len(workers(stores, "busy", "idle")) == 1
            release.touch()
            assert first.wait() == 0
            again = tmp_path / "again"
            again.mkdir()
            late = hold(stores, 12, again)
            eventually(lambda: len(workers(stores, "busy")) == 3, explain=second.said)
            late.touch()
