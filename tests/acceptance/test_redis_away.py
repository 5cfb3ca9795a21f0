from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from allegro.dev.valkey import server_binary
from allegro_queue.connection import forget_client
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable
from allegro_queue.stores import open_stores
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import manage, running
from tests.support.server import start_server


@pytest.fixture
def elsewhere(settings, tmp_path: Path) -> Iterator[str]:
    """The address of a server of this test's own, which is not up yet; this process dispatches there too."""
    forget_client()
    url = f"unix://{tmp_path / 'redis.sock'}"
    settings.RQ_QUEUES = {name: {**config, "URL": url} for name, config in settings.RQ_QUEUES.items()}
    yield url
    forget_client()


@pytest.mark.django_db(transaction=True)
def test_dispatching_without_redis_says_where_it_was_looked_for_and_queues_nothing(elsewhere: str, tmp_path: Path):
    with pytest.raises(QueueUnavailable, match=r"Redis at unix:.*redis\.sock did not answer .*was not queued\. Is the"):
        dispatch(jobs.nothing)


@pytest.mark.django_db(transaction=True)
def test_workers_wait_for_redis_to_come_up_and_then_run_what_is_queued(elsewhere: str, tmp_path: Path):
    with running("horizon", REDIS_URL=elsewhere) as process:
        eventually(lambda: "did not answer" in process.said(), within=20, explain=process.said)
        assert not process.has_ended()

        server = start_server(server_binary(), tmp_path)
        try:
            dispatch(jobs.note, str(tmp_path / "trail"), "ran")
            eventually((tmp_path / "trail").exists, within=20, explain=process.said)
        finally:
            server.terminate()
            server.wait()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_ends_while_redis_is_away_is_filed_as_finished_when_it_is_back(elsewhere: str, tmp_path: Path):
    trail, release = tmp_path / "trail", tmp_path / "release"
    server = start_server(server_binary(), tmp_path, keep=True)
    try:
        with running("rqworker", "high", "default", REDIS_URL=elsewhere) as process:
            job_id = dispatch(jobs.hold, str(trail), str(release))
            eventually(trail.exists, within=20, explain=process.said)

            server.send_signal(signal.SIGKILL)
            server.wait()
            release.touch()
            eventually(lambda: "did not answer" in process.said(), explain=process.said)
            server = start_server(server_binary(), tmp_path, keep=True)

            client = Redis.from_url(elsewhere)
            eventually(
                lambda: client.hget(f"rq:job:{job_id}", "status") == b"finished", within=20, explain=process.said
            )
            client.close()
    finally:
        server.terminate()
        server.wait()


def test_commands_without_redis_say_so_and_fail(tmp_path: Path):
    result = manage("horizon_status", REDIS_URL=f"unix://{tmp_path / 'none.sock'}")

    assert result.returncode == 1
    assert "did not answer" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["stands still for 20 s", "is killed and started again"])
def test_when_redis_is_away_the_tree_stays_up_and_goes_on_by_itself(fault: str, elsewhere: str, tmp_path: Path):
    trail, release = tmp_path / "trail", tmp_path / "release"
    server = start_server(server_binary(), tmp_path, keep=True)
    try:
        with running("horizon", REDIS_URL=elsewhere) as process:
            stores = open_stores()
            eventually(stores.workers.living, within=20, explain=process.said)
            before = {each.pid for each in stores.workers.living()}
            job_id = dispatch(jobs.hold, str(trail), str(release))
            eventually(trail.exists, within=20, explain=process.said)

            if fault == "is killed and started again":
                server.send_signal(signal.SIGKILL)
                server.wait()
                eventually(lambda: "did not answer" in process.said(), explain=process.said)
                server = start_server(server_binary(), tmp_path, keep=True)
            else:
                server.send_signal(signal.SIGSTOP)
                began = time.monotonic()
                eventually(lambda: "did not answer" in process.said(), explain=process.said)
                eventually(lambda: time.monotonic() - began > 20, within=25)
                server.send_signal(signal.SIGCONT)

            dispatch(jobs.note, str(trail), "the next")
            release.touch()
            eventually(lambda: "the next" in trail.read_text(), within=20, explain=process.said)
            eventually(lambda: stores.jobs.rows([job_id])[0].status == "finished", explain=process.said)
            eventually(lambda: {each.pid for each in stores.workers.living()} == before, explain=process.said)
            assert stores.workers.lost(since=0) == []
            assert stores.audit.orphans(lambda: None) == []
            assert trail.read_text().splitlines() == ["held", "held ended", "the next"]
            assert not process.has_ended()
    finally:
        server.send_signal(signal.SIGCONT)
        server.terminate()
        server.wait()
