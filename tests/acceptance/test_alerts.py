"""Alerts of Horizon as it runs, with its processes killed for real."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from redis import Redis
from werkzeug import Request, Response

from allegro_queue.dispatch import dispatch
from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import Pause
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.mail_sink import mail_sink
from tests.support.running import manage, running

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_failure_and_a_killed_master_are_told_by_mail_and_hook_by_one_of_two_hosts(
    redis: Redis, stores: Stores, tmp_path: Path, httpserver: HTTPServer
) -> None:
    titles: list[str] = []

    def take(request: Request) -> Response:
        titles.append(json.loads(request.data)["title"])
        return Response()

    httpserver.expect_request("/hook").respond_with_handler(take)
    with mail_sink() as mails:
        environment = {
            "DATABASE_URL": f"sqlite:///{tmp_path / 'alerts.sqlite3'}",
            "EMAIL_URL": f"smtp://127.0.0.1:{mails.port}",
            "ALERT_EMAILS": "ops@example.com",
            "ALERT_URLS": f"json://localhost:{httpserver.port}/hook",
            "LOG_FORMAT": "json",
        }
        assert manage("migrate", **environment).returncode == 0
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


def test_each_fault_is_told_when_it_comes_and_when_it_is_over(
    redis: Redis, stores: Stores, tmp_path: Path, httpserver: HTTPServer
) -> None:
    with mail_sink() as mails:
        environment = {
            "DATABASE_URL": f"sqlite:///{tmp_path / 'alerts.sqlite3'}",
            "EMAIL_URL": f"smtp://127.0.0.1:{mails.port}",
            "ALERT_EMAILS": "ops@example.com",
            "DJANGO_SETTINGS_MODULE": "tests.support.impatient_alerts",
        }
        assert manage("migrate", **environment).returncode == 0

        def told(*subjects: str, explain: Callable[[], str]) -> None:
            """These, and no others, since the last time."""
            wanted = {f"[local] {each}" for each in subjects}
            eventually(
                lambda: set(mails.subjects) == wanted, within=30, explain=lambda: f"{mails.subjects}\n{explain()}"
            )
            mails.mails.clear()

        queues = ("high", "default", "audience-sync")
        with running("rqworker", *queues, **environment) as worker, running("rqscheduler", **environment) as scheduler:
            eventually(stores.workers.living, explain=worker.said)
            eventually(lambda: stores.schedule.scheduler(), explain=scheduler.said)
            with running("horizon_alerts", "watch", "--every", "1", **environment) as watch:
                eventually(lambda: "alerts started" in watch.said(), explain=watch.said)

                scheduler.send(signal.SIGTERM)
                told("The scheduler is late", explain=watch.said)
                with running("rqscheduler", **environment):
                    told("Over: The scheduler is late", explain=watch.said)

                    worker.send(signal.SIGTERM)
                    told("Nobody works on a queue", explain=watch.said)
                    with running("rqworker", *queues, **environment):
                        told("Over: Nobody works on a queue", explain=watch.said)

                        redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] * 1.1))
                        try:
                            told("Redis is nearly full", explain=watch.said)
                        finally:
                            redis.config_set("maxmemory", 0)
                        told("Over: Redis is nearly full", explain=watch.said)

                        redis.config_set("maxmemory-policy", "allkeys-lru")
                        try:
                            told("Redis may delete jobs", explain=watch.said)
                        finally:
                            redis.config_set("maxmemory-policy", "noeviction")
                        told("Over: Redis may delete jobs", explain=watch.said)

                        stores.pauses.pause(
                            Pause(queue="high", since=time.time() - 4000, until=None, by="ada", reason="deploy")
                        )
                        told("Paused for long: high", explain=watch.said)
                        stores.pauses.resume("high")
                        told("Over: Paused for long: high", explain=watch.said)
