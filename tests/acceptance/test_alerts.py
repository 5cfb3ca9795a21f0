"""Alerts of Horizon as it runs, with its processes killed for real."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_httpserver import HTTPServer
from redis import Redis
from werkzeug import Request, Response

from allegro.dev.valkey import server_binary
from allegro_queue.alerts.rules import RULES
from allegro_queue.dispatch import dispatch
from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import Pause
from tests.support import jobs
from tests.support.ears import ears
from tests.support.eventually import eventually
from tests.support.mail_sink import mail_sink
from tests.support.migrated import migrated_copy
from tests.support.running import manage, running
from tests.support.server import start_server

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_failure_and_a_killed_master_are_told_by_mail_and_hook_by_one_of_two_hosts(
    redis: Redis, stores: Stores, database: Path, httpserver: HTTPServer
) -> None:
    titles: list[str] = []

    def take(request: Request) -> Response:
        titles.append(json.loads(request.data)["title"])
        return Response()

    httpserver.expect_request("/hook").respond_with_handler(take)
    with mail_sink() as mails:
        environment = {
            "DATABASE_URL": f"sqlite:///{database}",
            "EMAIL_URL": f"smtp://127.0.0.1:{mails.port}",
            "ALERT_EMAILS": "ops@example.com",
            "ALERT_URLS": f"json://localhost:{httpserver.port}/hook",
            "LOG_FORMAT": "json",
        }
        with running("horizon", "--name", "one", **environment) as one:
            eventually(lambda: stores.workers.living(), explain=one.said)
            with running("horizon", "--name", "two", **environment) as two:
                eventually(lambda: len(stores.masters.living()) == 2, explain=two.said)
                dispatch(jobs.fail)
                eventually(
                    lambda: mails.subjects == titles == ["[local] A new kind of failure"], within=20, explain=one.said
                )

                # It has been seen alive by then: a look is every five seconds.
                os.kill(two.pid, signal.SIGKILL)
                expected = ["[local] A new kind of failure", "[local] A Horizon process is lost: two"]
                eventually(lambda: mails.subjects == titles == expected, within=40, explain=one.said)
            assert all(json.loads(line)["level"] for line in one.said().splitlines() if line.startswith("{"))
            assert one.said().count('"alert sent channel=mail') == 2


FAULTS_OF_SERVERS = {
    "scheduler_late", "missed_tick", "no_workers", "redis_memory", "redis_eviction", "paused_long",
}  # fmt: skip
FAULTS_OF_WORK = {
    "longest_wait", "failure_share", "new_failure", "snapshot_stale", "crash_loop", "master_lost", "collector_lag",
}  # fmt: skip
"""The rules whose faults are caused below, but for that of a server that is away."""


def test_the_faults_below_are_those_of_all_rules() -> None:
    assert {*FAULTS_OF_SERVERS, *FAULTS_OF_WORK, "redis_away"} == set(RULES)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One of a test's own, with all tables."""
    file = tmp_path / "alerts.sqlite3"
    migrated_copy(file)
    return file


def told_of_ends(database: Path) -> set[str]:
    """Rules that have fired and were over, with all channels told."""
    connection = sqlite3.connect(database)
    try:
        rows = connection.execute(
            "SELECT rule, happening FROM allegro_queue_alertevent WHERE channels = 'hook, mail' OR channels = 'mail, hook'"
        ).fetchall()
    finally:
        connection.close()
    return {rule for rule, _ in rows if {(rule, "fired"), (rule, "over")} <= set(rows)}


def test_each_fault_of_servers_and_clock_is_told_when_it_comes_and_when_it_is_over(
    redis: Redis, stores: Stores, database: Path, httpserver: HTTPServer
) -> None:
    # Only until its next run does an entry say how late the last one was; a look may take a while on a loaded machine.
    steady = {"name": "steady", "every": 8, "job": "tests.support.jobs.nothing", "queue": "high"}
    with ears(httpserver) as both:
        environment = {"DATABASE_URL": f"sqlite:///{database}", **both.settings(schedule=[steady])}
        queues = ("high", "default", "audience-sync")
        with running("rqworker", *queues, **environment) as worker, running("rqscheduler", **environment) as scheduler:
            eventually(stores.workers.living, explain=worker.said)
            eventually(lambda: stores.schedulers.leader(), explain=scheduler.said)
            with running("horizon_alerts", "watch", "--every", "1", **environment) as watch:
                eventually(lambda: "alerts started" in watch.said(), explain=watch.said)

                scheduler.send(signal.SIGTERM)
                both.told("no scheduler reports", explain=watch.said)
                [due] = [at for at in stores.schedule.next_times(stores.schedule.scheduled_ids()) if at]
                eventually(lambda: time.time() - due > 4)
                with running("rqscheduler", **environment):
                    both.told("steady was queued", explain=watch.said)
                    both.told_it_is_over("steady was queued", explain=watch.said)

                    worker.send(signal.SIGTERM)
                    both.told("no worker lives", explain=watch.said)
                    with running("rqworker", *queues, **environment):
                        both.told_it_is_over("no worker lives", explain=watch.said)

                        redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] * 1.1))
                        try:
                            both.told("redis uses", explain=watch.said)
                        finally:
                            redis.config_set("maxmemory", 0)
                        both.told_it_is_over("redis uses", explain=watch.said)

                        redis.config_set("maxmemory-policy", "allkeys-lru")
                        try:
                            both.told("maxmemory-policy allkeys-lru", explain=watch.said)
                        finally:
                            redis.config_set("maxmemory-policy", "noeviction")
                        both.told_it_is_over("maxmemory-policy allkeys-lru", explain=watch.said)

                        stores.pauses.pause(
                            Pause(queue="high", since=time.time(), until=None, by="ada", reason="deploy")
                        )
                        both.told("high paused for", explain=watch.said)
                        stores.pauses.resume("high")
                        both.told_it_is_over("high paused for", explain=watch.said)
    assert told_of_ends(database) >= FAULTS_OF_SERVERS


def test_each_fault_of_jobs_and_processes_is_told_when_it_comes_and_when_it_is_over(
    redis: Redis, stores: Stores, database: Path, tmp_path: Path, httpserver: HTTPServer
) -> None:
    seen, release = tmp_path / "seen", tmp_path / "release"
    with ears(httpserver) as both:
        environment = {"DATABASE_URL": f"sqlite:///{database}", **both.settings()}
        with running("horizon_alerts", "watch", "--every", "1", **environment) as watch:
            eventually(lambda: "alerts started" in watch.said(), explain=watch.said)

            def said() -> str:
                return f"{watch.said()}\n{horizon.said()}"

            with running("horizon", **environment) as horizon:
                # The first worker, and the second: killed before they have begun anything.
                def is_troubled() -> bool:
                    for each in stores.workers.living():
                        # A record outlives its process, and one of this very process may be among them.
                        horizon.kill_one(each.pid)
                    return any(each.trouble for master in stores.masters.living() for each in master.supervisors)

                eventually(is_troubled, within=30, explain=said)
                both.told("cannot keep its workers", explain=said)
                dispatch(jobs.nothing)
                both.told_it_is_over("cannot keep its workers", explain=said)

                # Nothing takes one: these settings have no schedule.
                eventually(lambda: any("o snapshot was ever taken" in line for line in both.lines()[0]), within=20)
                assert manage("horizon_snapshot", **environment).returncode == 0
                both.told_it_is_over("no snapshot was ever taken", explain=said)

                dispatch(jobs.hold, str(seen), str(release))
                eventually(seen.exists, explain=said)
                for _ in range(20):
                    dispatch(jobs.fail)
                both.told("the oldest job of default has waited", explain=said)
                release.touch()
                both.told_it_is_over("the oldest job of default has waited", explain=said)
                both.told("attempts on default failed", "a failure is new: tests.support.jobs.fail", explain=said)
                for _ in range(30):
                    dispatch(jobs.nothing)
                assert manage("shell", "--no-imports", "-c", MARK_ALL_KNOWN, **environment).returncode == 0
                both.told_it_is_over("attempts on default failed", "a failure is new", explain=said)

                with running("rqworker", "default", "--name", "by-hand", **environment) as worker:
                    eventually(
                        lambda: "by-hand" in {each.name for each in stores.workers.living()}, explain=worker.said
                    )
                    os.kill(horizon.pid, signal.SIGKILL)
                    both.told("is gone without having been told to leave", explain=said)
                    eventually(lambda: stores.collecting.collector() is None, explain=said)
                    dispatch(jobs.nothing)
                    both.told("no collector reports", explain=said)
            with running("horizon", **environment) as horizon:
                both.told_it_is_over("is gone without having been told to leave", "no collector reports", explain=said)
    assert told_of_ends(database) >= FAULTS_OF_WORK


MARK_ALL_KNOWN = """
import time
from allegro_queue.history.groups import GroupState, mark
from allegro_queue.history.models import FailureGroup
mark([each.fingerprint for each in FailureGroup.objects.all()], GroupState.KNOWN, by="ada", now=time.time())
"""


def test_a_server_that_dies_is_told_of_and_that_it_is_back(
    database: Path, tmp_path: Path, httpserver: HTTPServer
) -> None:
    with ears(httpserver) as both:
        environment = {
            "DATABASE_URL": f"sqlite:///{database}",
            "REDIS_URL": f"unix://{tmp_path / 'redis.sock'}",
            **both.settings(),
        }
        server = start_server(server_binary(), tmp_path)
        try:
            with running("horizon_alerts", "watch", "--every", "1", **environment) as watch:
                both.told("no worker lives", explain=watch.said)
                server.kill()
                server.wait()
                both.told("redis does not answer", explain=watch.said)
                server = start_server(server_binary(), tmp_path)
                both.told_it_is_over("redis does not answer", explain=watch.said)
        finally:
            server.kill()
            server.wait()
    assert "redis_away" in told_of_ends(database)


def test_when_every_process_is_gone_cron_and_prometheus_and_a_probe_tell_of_it(
    redis: Redis, stores: Stores, database: Path, httpserver: HTTPServer, client: Client
) -> None:

    def has_looked() -> bool:
        connection = sqlite3.connect(database)
        try:
            rows = connection.execute("SELECT memory FROM allegro_queue_alertkeeper").fetchall()
        finally:
            connection.close()
        return any("the-only-one" in memory for (memory,) in rows)

    with ears(httpserver) as both:
        environment = {"DATABASE_URL": f"sqlite:///{database}", **both.settings()}
        with running("horizon", "--name", "the-only-one", **environment) as horizon:
            eventually(has_looked, within=30, explain=horizon.said)
            eventually(stores.workers.living, explain=horizon.said)
            assert client.get("/horizon/health/ready").status_code == 200
            assert masters_by_rule(client) == [1.0]

            horizon.send(signal.SIGKILL)
            eventually(lambda: not stores.workers.living() and not stores.masters.living(), within=30)

        def cron() -> bool:
            done = manage("horizon_alerts", "watch", "--once", **environment)
            assert done.returncode == 0, done.stderr
            return any("no worker lives" in line.lower() for line in both.lines()[1])

        eventually(cron, within=60)
        both.told("no worker lives", "the-only-one on", explain=lambda: "")
        assert client.get("/horizon/health/ready").status_code == 503
        assert masters_by_rule(client) == [0.0]

        with running("horizon", **environment) as again:
            both.told_it_is_over("no worker lives", "the-only-one on", explain=again.said)


def masters_by_rule(client: Client) -> list[float]:
    """What Prometheus compares with nought, by the example rule for it."""
    [group] = yaml.safe_load((DOCS / "prometheus-alerts.yml").read_text())["groups"]
    [rule] = [each["expr"] for each in group["rules"] if each["alert"] == "HorizonGone"]
    name, _, value = rule.partition(" == ")
    assert value == "0"
    page = client.get("/horizon/metrics/prometheus").content.decode()
    return [
        each.value for family in text_string_to_metric_families(page) for each in family.samples if each.name == name
    ]
