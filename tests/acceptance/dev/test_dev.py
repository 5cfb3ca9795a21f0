from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest
from redis import Redis

from allegro.dev.place import redis_folder, socket_path
from allegro.dev.redis_server import make_private
from allegro_queue.stores import open_stores
from allegro_queue.stores.schedule import SCHEDULED
from tests.support.dev_run import DevRun, copy_project, is_alive
from tests.support.eventually import eventually
from tests.support.migrated import migrated_copy


@pytest.fixture
def new_project(tmp_path: Path) -> Path:
    """As just checked out."""
    return copy_project(tmp_path)


@pytest.fixture
def project(new_project: Path) -> Path:
    """Where the tables were made before."""
    make_private(new_project / ".dev")
    migrated_copy(new_project / ".dev" / "db.sqlite3")
    return new_project


def redis_of(project: Path) -> Redis:
    return Redis(unix_socket_path=str(socket_path(redis_folder(project))))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def test_everything_starts_and_ctrl_c_leaves_nothing_behind(new_project):
    with DevRun(new_project) as dev:
        dev.is_up()
        children = dev.children()
        page = dev.get("/horizon/")
        style = dev.get("/static/horizon/horizon.css")

        code = dev.interrupt()

    assert code == 0, dev.output
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert style.status_code == 200
    assert len(children) == 3
    assert not any(map(is_alive, children))
    assert is_free(dev.port)
    assert {each.name for each in redis_folder(new_project).iterdir()} == {"server.log", "valkey-9.1"}
    assert "\x1b" not in dev.output
    assert "Traceback" not in dev.output


def test_the_audience_tick_and_the_snapshot_run_by_the_clock_and_a_stopped_scheduler_is_said_within_30_s(project):
    names = ["audience-sync-tick", "horizon-snapshot"]
    with DevRun(project) as dev:
        dev.is_up()
        redis = redis_of(project)
        stores = open_stores(redis)
        eventually(
            lambda: all(stores.schedule.next_times([f"cron-{name}" for name in names])), explain=lambda: dev.output
        )
        redis.zadd(SCHEDULED, dict.fromkeys((f"cron-{name}" for name in names), int(time.time()) - 1))

        def results() -> set[str]:
            return {each.result for runs in stores.entries.accounts(names).values() for each in runs if each.job_id}

        eventually(lambda: results() == {"finished"}, within=30, explain=lambda: f"{results()}\n{dev.output}")
        assert redis.get(stores.keys.last_snapshot)
        well = dev.get("/horizon/").text

        record = stores.schedulers.leader()
        assert record is not None
        # It hangs, so its master has nothing to replace.
        os.kill(record.pid, signal.SIGSTOP)
        eventually(lambda: "No scheduler runs." in dev.get("/horizon/").text, within=30)
        os.kill(record.pid, signal.SIGCONT)
        eventually(lambda: "No scheduler runs." not in dev.get("/horizon/").text)
        assert dev.interrupt() == 0

    assert "No scheduler runs." not in well


def test_a_kill_leaves_nothing_that_hinders_the_next_start_and_keeps_queued_jobs(project):
    with DevRun(project) as dev:
        dev.is_up()
        dev.manage("horizon_pause")
        dev.manage("demo_load", "--seconds", "0.1", "--rate", "50")
        queued = demo_jobs(project)
        children = dev.children()

        dev.process.kill()

        eventually(lambda: not any(map(is_alive, children)), within=20)
        eventually(lambda: is_free(dev.port))

    assert len(queued) == 5
    with DevRun(project, PORT=str(dev.port)) as again:
        again.is_up()
        assert demo_jobs(project) == queued
        assert again.interrupt() == 0


def demo_jobs(project: Path) -> list[bytes]:
    """The made-up ones that wait; what the schedule queues each minute may stand among them."""
    client = redis_of(project)
    waiting = [
        each for queue in ("high", "default", "audience-sync") for each in client.lrange(f"rq:queue:{queue}", 0, -1)
    ]
    return [each for each in waiting if client.hget(b"rq:job:" + each, "description").startswith(b"allegro.dev.demo")]


def test_a_child_that_dies_stops_everything(project):
    with DevRun(project) as dev:
        dev.is_up()
        children = dev.children()
        horizon = next(pid for pid, command in children.items() if "horizon" in command)

        os.kill(horizon, signal.SIGKILL)

        assert dev.ends() == 1

    assert "horizon was killed by SIGKILL, so everything stops" in dev.output
    assert not any(map(is_alive, children))
    assert is_free(dev.port)


def test_a_change_of_the_code_starts_web_and_horizon_again_and_the_end_stays_clean(project):
    with DevRun(project) as dev:
        dev.is_up()
        before = dev.children()

        health = project / "allegro" / "health.py"
        health.write_text(health.read_text().replace('"ok\\n"', '"changed\\n"'))

        dev.says("health.py changed: starting web and horizon again.")
        eventually(lambda: says_up(dev) == "changed\n", within=20, explain=lambda: dev.output)
        eventually(lambda: dev.output.count("worker started") == 2, within=20, explain=lambda: dev.output)
        after = dev.children()
        assert dev.interrupt() == 0

    # The Redis server stays.
    assert len(before.keys() & after.keys()) == 1
    assert not any(map(is_alive, after))


def test_a_change_that_breaks_the_code_waits_for_the_one_that_mends_it(project):
    with DevRun(project) as dev:
        dev.is_up()
        health = project / "allegro" / "health.py"
        good = health.read_text()

        health.write_text("this is no Python")
        dev.says("It is started again with the next change of the code.")
        health.write_text(good)

        eventually(lambda: says_up(dev) == "ok\n", within=20, explain=lambda: dev.output)
        assert dev.interrupt() == 0


def says_up(dev: DevRun) -> str:
    try:
        return dev.get("/up").text
    except Exception:
        return ""


def test_a_second_dev_shares_the_server(project):
    with DevRun(project) as first:
        first.is_up()
        with DevRun(project) as second:
            second.is_up()
            assert "shared with the other 'dev' of this checkout" in second.output
            assert second.interrupt() == 0

        assert redis_of(project).ping()
        assert first.interrupt() == 0


def test_a_taken_port_is_said_before_anything_starts(new_project):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with DevRun(new_project, PORT=str(port)) as dev:
            assert dev.ends() == 1

    assert f"Port {port} of 127.0.0.1 cannot be used" in dev.output
    assert f"PORT={port + 1} make dev" in dev.output
    assert not redis_folder(new_project).exists()


def test_a_named_redis_that_does_not_answer_is_an_error_and_never_replaced(new_project):
    with DevRun(new_project, REDIS_HOST="127.0.0.1", REDIS_PORT="1") as dev:
        assert dev.ends() == 1

    assert "names a Redis server at 127.0.0.1:1, which cannot be used" in dev.output
    assert "REDIS_HOST, REDIS_URL or REDIS_SENTINELS" in dev.output
    assert not redis_folder(new_project).exists()


@pytest.mark.parametrize("environment", ["staging", "production", ""])
def test_dev_refuses_to_run_anywhere_but_in_local(new_project, environment):
    with DevRun(new_project, APP_ENV=environment) as dev:
        assert dev.ends() == 1

    assert "'dev' runs only where APP_ENV is 'local'" in dev.output
    assert "Traceback" not in dev.output
    assert not (new_project / ".dev").exists()
