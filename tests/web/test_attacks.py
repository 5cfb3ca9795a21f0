"""What a hostile browser, payload or address may try, at every address of the dashboard and its API."""

from __future__ import annotations

import base64
import json
import logging
import os
import pickle
import time
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.acting.actions import own_page
from allegro_queue.dashboard.urls import urlpatterns
from allegro_queue.stores import Stores
from allegro_queue.terms import Terms
from tests.support import jobs
from tests.support.digest import digest
from tests.support.failures import failed, queued
from tests.support.people import staff
from tests.support.runs import collected, failed_record
from tests.support.scenes import busy_system

pytestmark = pytest.mark.django_db

PROBES = {"live", "ready"}
ROUTES = [page for page in urlpatterns if page.name not in PROBES]
ENTRY = "horizon-snapshot"


def address_of(page: Any, **given: Any) -> str:
    places = {"run_id": 7, "run": 7, "view_id": 7, "queue": "high", "name": "high", **given}
    return reverse(
        f"horizon:{page.name}", kwargs={name: places.get(name, "some-job") for name in page.pattern.converters}
    )


@cache
def is_for_writes(name: str) -> bool:
    """Whether there is something to be done at an address, which it says to each of these tests alike."""
    [page] = [each for each in ROUTES if each.name == name]
    return Client().get(address_of(page)).status_code == 405


# --------------------------------------------------------------------------------------------- Other sites' requests


@pytest.mark.parametrize("how", ["form", "JSON as text", "JSON", "another's token"])
def test_nothing_is_done_by_a_page_of_another_site(stores: Stores, how: str) -> None:
    """Also not in local, where no sign-in stands in the way."""
    job_id = failed(stores.client, jobs.fail)
    other = Client()
    other.get(reverse("horizon:confirm_pause"))
    form = {"id": job_id, "queue": "high", "reason": "x", "typed": "high", "to": "default", "all": "1"}
    given: dict[str, Any] = {
        "form": {"data": form},
        "JSON as text": {"data": '{"all": true, "reason": "x"}', "content_type": "text/plain"},
        "JSON": {"data": {"all": True, "reason": "x"}, "content_type": "application/json"},
        "another's token": {"data": {**form, "csrfmiddlewaretoken": "x" * 64}},
    }[how]
    victim = Client(enforce_csrf_checks=True, headers={"Origin": "https://evil.example"})
    victim.get(reverse("horizon:confirm_pause"))
    before = digest(stores.client)

    refused = 0
    for page in ROUTES:
        if is_for_writes(page.name):
            answer = victim.post(address_of(page, job_id=job_id), **given)
            assert answer.status_code == 403, page.name
            refused += 1

    assert refused > 15
    assert digest(stores.client) == before
    assert not Activity.objects.exists()


def test_looking_twice_at_every_address_changes_nothing(stores: Stores) -> None:
    now = time.time()
    busy_system(stores, now)
    job_id = failed(stores.client, jobs.fail)
    client = Client()
    before = digest(stores.client)

    for _ in range(2):
        for page in ROUTES:
            for method in ("get", "head"):
                answer = getattr(client, method)(address_of(page, job_id=job_id))
                assert answer.status_code < 500, page.name

    after = digest(stores.client)
    # Records of living processes end by themselves.
    assert {key: value for key, value in after.items() if before.get(key) != value} == {}
    assert not Activity.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "https:evil.example", "https:/evil.example",
        "https:///evil.example/horizon/", "\t//evil.example", "/\t/evil.example", "%09//evil.example", "//evil.example/horizon/",
        "//evil.example%2fhorizon/", "/horizon/@evil.example", "//horizon@evil.example/horizon/", "https://evil.example",
        "HTTPS://EVIL.EXAMPLE/horizon/", "/horizon/..//evil.example", "/horizon/jobs/..%2f..%2f", "data:text/html,x",
        "/horizon/api/v1/jobs", "/horizon/api/v1/queues/high/pause",
    ],
)  # fmt: skip
def test_no_next_leads_elsewhere(given: str) -> None:
    assert own_page(given).startswith("/horizon/jobs/")
    assert "evil" not in own_page(given) or own_page(given).startswith("/horizon/jobs/")


def test_where_one_came_from_is_not_where_one_is_led(stores: Stores) -> None:
    client = Client(headers={"Referer": "https://evil.example/horizon/"})

    answer = client.post(reverse("horizon:resume"), {"queue": "high", "next_url": "https://evil.example/"})

    assert answer.headers["Location"] == reverse("horizon:jobs")


# ------------------------------------------------------------------------------------------------- Hostile payloads

CANARY = "c4n4ry7f3e"
SECRETS = {
    "token": CANARY,
    "password": CANARY,
    "client_secret": CANARY,
    "Authorization": f"Bearer {CANARY}",
    "cookie": f"sessionid={CANARY}",
    "api_key": CANARY,
    "apiKey": [CANARY],
    "deep": {"er": [{"accessToken": {"value": CANARY}}]},
    "url": f"https://ada:{CANARY}@example.com/?token={CANARY}",
    "words": f"the password={CANARY} was refused",
}


def test_no_secret_of_a_payload_or_an_error_is_on_any_page_answer_or_line_of_log(
    stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = queued(jobs.nothing, SECRETS)
    bad_id = failed(stores.client, jobs.fail, f"api_key={CANARY} at https://ada:{CANARY}@example.com")
    now = time.time()
    collected(
        stores,
        failed_record(
            now,
            call=f'[["token={CANARY}"], {{"password": "{CANARY}"}}]',
            error=f"ValueError: password={CANARY}",
            traceback=f"Traceback (most recent call last):\nValueError: secret={CANARY}",
        ),
    )
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    client = Client()
    run = client.get("/horizon/api/v1/runs").json()["runs"][0]

    for page in ROUTES:
        for job in (job_id, bad_id):
            given = {"job_id": job, "run_id": run["id"], "fingerprint": run["fingerprint"]}
            answer = client.get(address_of(page, **given))
            assert CANARY.encode() not in answer.content, page.name
    shown = client.get(f"/horizon/api/v1/jobs/{bad_id}").json()
    assert "[masked: secret]" in shown["attempts"][0]["traceback"]
    assert CANARY not in caplog.text


MARKUP = "<i data-c4n4ry>&\"'"
WRITTEN = "&lt;i data-c4n4ry&gt;&amp;"


def test_no_text_of_a_job_or_a_run_is_markup_on_any_page(stores: Stores) -> None:
    now = time.time()
    waiting, bad = queued(jobs.nothing), failed(stores.client, jobs.fail, MARKUP)
    terms = Terms(tags=(MARKUP,), tenant=MARKUP, batch=MARKUP).encode()
    for job_id in (waiting, bad):
        written = {"horizon": terms, "horizon_reason": MARKUP, "worker_name": MARKUP}
        stores.client.hset(f"rq:job:{job_id}", mapping=written)
    collected(
        stores,
        failed_record(
            now, error=f"ValueError: {MARKUP}", traceback=f"ValueError: {MARKUP}", name=MARKUP, queue=MARKUP,
            terms=json.dumps({"tags": [MARKUP], "tenant": MARKUP, "batch": MARKUP}), worker=MARKUP,
            supervisor=MARKUP, version=MARKUP, call=json.dumps([[MARKUP], {MARKUP: MARKUP}]),
        ),
    )  # fmt: skip
    client = Client()
    run = client.get("/horizon/api/v1/runs").json()["runs"][0]
    lists = [f"/horizon/jobs/?state={state}" for state in ("all", "failed", "waiting", "failed&still=yes")]
    pages = [
        address_of(page, job_id=job_id, run_id=run["id"], fingerprint=run["fingerprint"], job_name=MARKUP, batch_id="b")
        for page in ROUTES
        for job_id in (waiting, bad, run["job_id"])
    ]

    shown = set()
    for address in [*lists, *pages]:
        answer = client.get(address)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            text = answer.content.decode()
            assert "<i data-c4n4ry" not in text, address
            if WRITTEN in text:
                shown.add(address.partition("?")[0])

    assert {"/horizon/", "/horizon/jobs/", "/horizon/failures/", "/horizon/metrics/"} <= shown


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def test_nothing_is_unpickled_to_show_a_page_or_an_answer(redis: Redis, tmp_path: Path) -> None:
    made = tmp_path / "made"
    bomb = pickle.dumps(Bomb(made))
    job_id, bad_id = queued(jobs.nothing), failed(redis, jobs.fail)
    for each in (job_id, bad_id):
        for name, value in redis.hgetall(f"rq:job:{each}").items():
            if name not in (b"origin", b"status"):
                redis.hset(f"rq:job:{each}", name, bomb if value[:1] != b"x" else zlib.compress(bomb))
        redis.hset(f"rq:job:{each}", mapping={"data": zlib.compress(bomb), "meta": bomb, "result": bomb})
        fields = {name: base64.b64encode(bomb) for name in ("return_value", "exc_string")}
        redis.xadd(f"rq:results:{each}", {"type": 2, "worker_name": bomb, **fields})
    client = Client()

    for page in ROUTES:
        for each in (job_id, bad_id):
            assert client.get(address_of(page, job_id=each)).status_code < 500, page.name
    assert client.get("/horizon/api/v1/jobs", {"state": "failed"}).status_code == 200

    assert not made.exists()


@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "subprocess.call", "allegro_queue", "tests.support.jobs.no"]
)
def test_a_function_that_is_no_job_is_not_run_and_says_why(redis: Redis, tmp_path: Path, name: str) -> None:
    made = tmp_path / "made"

    job_id = failed(redis, name, f"touch {made}")

    found = Client().get(f"/horizon/api/v1/jobs/{job_id}").json()
    assert not made.exists()
    assert found["status"] == "failed"
    assert found["error"]


# ------------------------------------------------------------------------------------------------------ Odd addresses


def test_every_answer_forbids_frames_copies_and_guessing(stores: Stores) -> None:
    client = Client()

    for page in ROUTES:
        answer = client.get(address_of(page))
        assert answer.headers["X-Frame-Options"] == "DENY", page.name
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "no-store" in answer.headers.get("Cache-Control", "") or answer.status_code == 404, page.name
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "odd",
    ["..", "../..", "%2e%2e", "%2f", "..%2f..%2fetc%2fpasswd", "a:b", "rq:queue:high", "*", "\x00", "\n", "a" * 10_000, "ключ", "𝐚", "' OR 1=1 --",
     "{{7*7}}", "<script>", "-1", "1e20", "9" * 30, "\u202e", "%ff"],
)  # fmt: skip
def test_odd_names_are_not_found_and_break_nothing(stores: Stores, odd: str) -> None:
    client = Client()
    # As a server passes the bytes of an address on.
    odd = odd.encode().decode("latin-1")

    for prefix in ("jobs", "queues", "schedule", "metrics/jobs", "metrics/queues"):
        answer = client.get("/", PATH_INFO=f"/horizon/{prefix}/{odd}/")
        assert answer.status_code in (301, 404), prefix
    for prefix in ("jobs", "queues", "runs", "failures", "schedule", "tags"):
        answer = client.get("/", PATH_INFO=f"/horizon/api/v1/{prefix}/{odd}")
        assert answer.status_code in (404, 405, 422), prefix
        # A line break is in no address at all, so that Django answers.
        assert odd == "\n" or answer.json()["errors"]


@pytest.mark.parametrize(
    "query", ["page=1e20", "page=-1", "page=99999999999999999999", "limit=1e9", "limit=1000000000", "starting_at=-1", "after=-1",
              "after=%00", "before=99999999999999999999", "q=" + "a" * 5_000, "q=%00", "q=%ff%fe", "queue=%00", "state=%00", "live=-1",
              "tag=%27%3b--", "who=%00", "since=nan", "since=-inf", "state=" + "x" * 5_000]
)  # fmt: skip
def test_odd_queries_are_answered_soon_and_break_nothing(stores: Stores, query: str) -> None:
    client = Client()
    key, _, value = query.partition("=")

    for page in ROUTES:
        if not page.pattern.converters:
            answer = client.get(address_of(page) + f"?{key}={value}")
            assert answer.status_code in (200, 302, 404, 405, 422), page.name


def test_a_token_of_odd_letters_is_a_401(stores: Stores, settings: Any) -> None:
    settings.HORIZON = {**settings.HORIZON, "environment": "staging"}
    staff()

    for given in ("ö", "\u202e", "a b", "'", "\\", "a" * 50_000):
        client = Client(headers={"Authorization": f"Bearer {given}".encode().decode("latin-1")})
        assert client.get("/horizon/api/v1/status").status_code == 401
