from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.alerts import book
from allegro_queue.stores import Stores
from tests.support import records, scenes

pytestmark = pytest.mark.django_db


def checked(*arguments: str) -> tuple[int, str]:
    """Exit code and output of ``horizon_check``."""
    output = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("horizon_check", *arguments, stdout=output)
    assert isinstance(end.value.code, int)
    return end.value.code, output.getvalue()


def results(*arguments: str) -> dict[str, str]:
    _, output = checked("--json", *arguments)
    return {each["name"]: each["result"] for each in json.loads(output)["checks"]}


def test_the_command_finds_no_worker_and_says_what_to_type(stores: Stores):
    code, output = checked()

    assert code == 2
    assert "nobody listens to high, default, audience-sync" in output
    assert "python manage.py horizon" in output


def test_the_command_sees_a_living_system_as_it_is(stores: Stores):
    scenes.quiet_system(stores, time.time())

    found = results()

    assert {found[name] for name in ("Reachable", "Horizon", "Workers for each queue", "Scheduler", "Snapshot")} == {
        "well"
    }


def test_the_command_sees_that_the_server_may_throw_jobs_away(stores: Stores, redis: Redis):
    before = redis.config_get("maxmemory-policy")["maxmemory-policy"]
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert results()["Eviction policy"] == "risk"
    finally:
        redis.config_set("maxmemory-policy", before)


def test_the_command_says_that_redis_does_not_answer(redis_away: None):
    code, output = checked()

    assert code == 2
    assert "did not answer" in output


def test_ready_follows_the_workers(client: Client, stores: Stores):
    assert client.get(reverse("horizon:ready")).status_code == 503
    stores.workers.write(records.worker(time.time()))

    answer = client.get(reverse("horizon:ready"))

    assert (answer.status_code, answer.content) == (200, b"ready\n")


def test_probes_say_one_word_to_anybody_and_set_no_cookie(client: Client, settings: Any, redis_away: None):
    settings.HORIZON = {**settings.HORIZON, "environment": "staging"}

    live, ready = client.get(reverse("horizon:live")), client.get(reverse("horizon:ready"))

    assert (live.status_code, live.content) == (200, b"live\n")
    assert (ready.status_code, ready.content) == (503, b"not ready\n")
    assert not live.cookies
    assert not ready.cookies


def test_the_command_sees_who_keeps_the_alerts(stores: Stores):
    assert results()["Alerts"] == "look"

    book.take_turn("one", "web-1", 7, time.time())

    assert results()["Alerts"] == "well"
    assert "kept by web-1, pid 7" in checked()[1]
