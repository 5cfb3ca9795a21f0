"""The Redis users that the handbook gives to each role: each may do its work, and nothing beyond it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from allegro_queue.batches import batch
from allegro_queue.connection import forget_client
from allegro_queue.dashboard.acting.actions import NOT_ALLOWED
from allegro_queue.dashboard.urls import ROUTES
from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores, open_stores
from tests.support import jobs, scenes
from tests.support.digest import digest
from tests.support.eventually import eventually
from tests.support.failures import failed
from tests.support.running import running

pytestmark = pytest.mark.django_db(transaction=True)

HANDBOOK = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
SOCKET = os.environ["REDIS_URL"].removeprefix("unix://")
PLACES = {"run": 7, "queue": "high"}


def address(user: str) -> str:
    return f"unix://{user}:secret@{SOCKET}"


@pytest.fixture
def users(redis: Redis) -> Iterator[Redis]:
    """The handbook's users on the run's own server, and its log of what was refused, empty."""
    lines = re.findall(r"^user (allegro-\S+) (.+)$", HANDBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name, _ in lines] == ["allegro-web", "allegro-horizon", "allegro-view"]
    for name, rules in lines:
        redis.execute_command("ACL", "SETUSER", name, "reset", *rules.replace(">SECRET", ">secret").split())
    redis.execute_command("ACL", "LOG", "RESET")
    yield redis
    redis.execute_command("ACL", "DELUSER", *(name for name, _ in lines))
    redis.execute_command("ACL", "LOG", "RESET")


def become(settings: Any, user: str) -> None:
    """Have this process use that user."""
    settings.RQ_QUEUES = {
        name: {"URL": address(user), "SERIALIZER": config["SERIALIZER"]} for name, config in settings.RQ_QUEUES.items()
    }
    forget_client()


def refusals(redis: Redis) -> list[str]:
    return [f"{each['username']}: {each['reason']} {each['object']!r}" for each in redis.acl_log()]


def test_web_and_horizon_do_all_their_work_as_their_own_users(users: Redis, settings: Any, tmp_path: Path) -> None:
    become(settings, "allegro-web")
    stores, browser = open_stores(), Client()
    with running("horizon", REDIS_URL=address("allegro-horizon")) as horizon:
        eventually(lambda: stores.workers.living(), within=20, explain=horizon.said)
        done = [dispatch(jobs.nothing), dispatch(jobs.nothing, options=JobOptions(isolate=True))]
        retried = dispatch(jobs.fail, options=JobOptions(tries=2, backoff=1))
        with batch("Import") as made:
            made.add(jobs.nothing)
        eventually(lambda: {each.status for each in stores.jobs.rows(done)} == {"finished"}, explain=horizon.said)
        eventually(lambda: stores.jobs.rows([retried])[0].status == "failed", within=20, explain=horizon.said)
        eventually(lambda: (made.record() or made).finished_at, explain=horizon.said)  # type: ignore[union-attr]
        held = dispatch(jobs.hold, str(tmp_path / "trail"), str(tmp_path / "never"))
        eventually((tmp_path / "trail").exists, explain=horizon.said)
        browser.post(reverse("horizon:stop"), {"id": held})
        eventually(lambda: stores.jobs.rows([held])[0].status == "stopped", within=20, explain=horizon.said)
        browser.post(reverse("horizon:retry"), {"id": retried})
        browser.post(reverse("horizon:pause"), {"queue": "high", "reason": "x"})
        waiting = dispatch(jobs.urgent)
        browser.post(reverse("horizon:empty"), {"queue": "high", "typed": "high", "reason": "x"})
        for page in ("overview", "jobs", "queues", "workers", "health", "metrics", "schedule"):
            assert browser.get(reverse(f"horizon:{page}")).status_code == 200
        assert stores.jobs.rows([waiting]) == []
        master = stores.masters.living()[0].name
        browser.post(reverse("horizon:control"), {"master": master, "word": "terminate", "reason": "x"})
        eventually(horizon.has_ended, within=20, explain=horizon.said)

    assert refusals(users) == []


def test_a_dashboard_that_only_shows_shows_every_page_and_changes_nothing(
    users: Redis, stores: Stores, settings: Any
) -> None:
    scenes.busy_system(stores, time.time())
    job_id = failed(users, jobs.fail)
    before = digest(users)
    become(settings, "allegro-view")
    browser = Client()

    for route, _, name in ROUTES:
        if not route.startswith("actions/"):
            places = {key: PLACES.get(key, "some-thing") for key in re.findall(r"<\w+:(\w+)>", route)}
            answer = browser.get(reverse(f"horizon:{name}", kwargs=places), {"id": job_id})
            assert answer.status_code in (200, 302, 404), (name, answer.status_code)
    assert refusals(users) == []

    for name, form in {
        "pause": {"queue": "high", "reason": "x"},
        "retry": {"id": job_id},
        "empty": {"queue": "default", "typed": "default", "reason": "x"},
        "run_again": {"id": job_id},
    }.items():
        answer = browser.post(reverse(f"horizon:{name}"), form)
        assert answer.status_code == 302
        assert str(list(get_messages(answer.wsgi_request))[-1]) == NOT_ALLOWED.words, name
    assert digest(users) == before


BEYOND = [
    ("CONFIG", "SET", "maxmemory", "1"),
    ("FLUSHALL",),
    ("KEYS", "*"),
    ("SCRIPT", "FLUSH"),
    ("ACL", "LIST"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("SHUTDOWN",),
    ("MONITOR",),
    ("GET", "somebody:else"),
    ("SET", "somebody:else", "1"),
    ("PUBLISH", "somebody:else", "1"),
]


@pytest.mark.parametrize("user", ["allegro-web", "allegro-horizon", "allegro-view"])
@pytest.mark.parametrize("command", BEYOND, ids=" ".join)
def test_no_user_can_do_what_its_role_does_not_need(users: Redis, user: str, command: tuple[str, ...]) -> None:
    with Redis.from_url(address(user)) as other, pytest.raises(NoPermissionError):
        other.execute_command(*command)


@pytest.mark.parametrize("text", ["return redis.call('KEYS', '*')", "return redis.call('GET', 'somebody:else')"])
def test_a_script_can_do_no_more_than_its_user(users: Redis, text: str) -> None:
    with Redis.from_url(address("allegro-web")) as web, pytest.raises(ResponseError, match="ACL failure"):
        web.eval(text, 0)


def test_whoever_only_looks_can_stop_no_worker(users: Redis) -> None:
    with Redis.from_url(address("allegro-view")) as viewer:
        for command in (
            ("PUBLISH", "rq:pubsub:here.1.abcd", "{}"),
            ("LPUSH", "rq:queue:high", "x"),
            ("EVAL", "return 1", "0"),
            ("SCRIPT", "LOAD", "return 1"),
        ):
            with pytest.raises(NoPermissionError):
                viewer.execute_command(*command)
