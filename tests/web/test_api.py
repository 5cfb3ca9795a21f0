"""The JSON API: the same resources, filters and actions as the pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from redis import Redis

from allegro.accounts.models import User
from allegro_queue.activity.models import Activity
from allegro_queue.api.routes import failures
from allegro_queue.bulk.models import BulkRun
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import Pause
from allegro_queue.tokens.models import ApiToken
from allegro_queue.tokens.tokens import make, revoke
from tests.support import jobs, records
from tests.support.api_caller import API, Caller
from tests.support.api_document import PATHS
from tests.support.digest import digest
from tests.support.failures import failed, queued
from tests.support.people import staff
from tests.support.runs import collected, failed_record, run_record
from tests.support.scenes import busy_system, quiet_system

pytestmark = pytest.mark.django_db

READ = sorted(path for path, operations in PATHS.items() if "get" in operations and "{" not in path)


# -------------------------------------------------------------------------------------------------------- Reading


@pytest.mark.parametrize("path", [each for each in READ if each != "/metrics"])
def test_every_list_answers_in_a_quiet_and_in_a_busy_system(
    stores: Stores, caller: Callable[..., Caller], path: str
) -> None:
    program = caller()
    assert program.get(path[1:]).status_code == 200

    busy_system(stores, time.time())

    assert program.get(path[1:]).status_code == 200


def test_the_status_says_what_runs(stores: Stores, caller: Callable[..., Caller]) -> None:
    quiet_system(stores, time.time())

    found = caller().get("status").json()

    assert (found["status"], found["masters"], found["workers"], found["busy"]) == ("running", 1, 1, 0)
    assert found["scheduler"] == "web-1"


def test_why_a_worker_died_is_told_in_english_alone(stores: Stores, caller: Callable[..., Caller]) -> None:
    lost = records.lost(time.time())
    stores.workers.add_lost(lost)

    [found] = caller().get("workers").json()["lost"]

    assert found == {key: value for key, value in asdict(lost).items() if key != "reason_said"}


def test_queues_come_in_the_order_of_priority_with_what_waits(redis: Redis, caller: Callable[..., Caller]) -> None:
    queued(jobs.urgent, queue="high")
    program = caller()

    found = program.get("queues").json()["queues"]

    assert [(each["name"], each["rank"], each["waiting"]) for each in found] == [
        ("high", 1, 1),
        ("default", 2, 0),
        ("audience-sync", 3, 0),
    ]
    assert program.get("queues/high").json()["waiting"] == 1


def test_an_unknown_queue_is_said_with_the_nearest(redis: Redis, caller: Callable[..., Caller]) -> None:
    answer = caller().get("queues/hihg")

    assert answer.status_code == 404
    assert "did you mean 'high'?" in answer.json()["errors"][0]["what"]


def test_a_job_s_payload_is_masked(redis: Redis, caller: Callable[..., Caller]) -> None:
    job_id = failed(redis, jobs.note, "/nowhere/file", "token=abcdef123456")

    found = caller().get(f"jobs/{job_id}").json()

    assert found["arguments"] == ["/nowhere/file", "token=[masked: secret]"]
    assert found["status"] == "failed"
    assert found["attempts"][0]["error"].startswith("FileNotFoundError")


def test_payloads_are_shown_with_the_right_to_them_alone(redis: Redis, caller: Callable[..., Caller]) -> None:
    job_id = failed(redis, jobs.note, "/nowhere/file", "a-word-of-its-own")

    answer = caller(Right.VIEW).get(f"jobs/{job_id}")

    assert answer.json()["arguments"] is None
    assert "view_payload" in answer.json()["hidden"]
    assert b"a-word-of-its-own" not in answer.content


def test_runs_show_arguments_with_the_right_alone(stores: Stores, caller: Callable[..., Caller]) -> None:
    collected(stores, run_record(time.time(), call='[["a-word-of-its-own"], {}]'))

    assert b"a-word-of-its-own" in caller(Right.VIEW, Right.VIEW_PAYLOAD).get("runs").content
    assert b"a-word-of-its-own" not in caller(Right.VIEW).get("runs").content


def test_arguments_cannot_be_guessed_by_searching_without_the_right(
    stores: Stores, caller: Callable[..., Caller]
) -> None:
    collected(stores, run_record(time.time(), call='[["marzipan"], {}]'))

    assert len(caller().get("runs", {"q": "marzipan"}).json()["runs"]) == 1
    assert caller(Right.VIEW).get("runs", {"q": "marzipan"}).status_code == 403


@pytest.mark.parametrize("state", ["waiting", "failed"])
def test_pages_of_jobs_follow_each_other_without_gap(redis: Redis, caller: Callable[..., Caller], state: str) -> None:
    made = [failed(redis, jobs.fail) if state == "failed" else queued(jobs.nothing) for _ in range(7)]
    program, seen, after = caller(), [], ""
    while after is not None:
        page = program.get("jobs", {"state": state, "limit": 3, "after": after}).json()
        seen += [each["id"] for each in page["jobs"]]
        after = page["after"]

    assert sorted(seen) == sorted(made)
    assert page["total"] == 7


def test_a_page_of_failed_jobs_misses_none_when_others_fail_meanwhile(
    redis: Redis, caller: Callable[..., Caller]
) -> None:
    made = {failed(redis, jobs.fail) for _ in range(4)}
    program = caller()
    first = program.get("jobs", {"state": "failed", "limit": 2}).json()

    for _ in range(3):
        failed(redis, jobs.fail)
    second = program.get("jobs", {"state": "failed", "limit": 10, "after": first["after"]}).json()

    seen = [each["id"] for each in first["jobs"] + second["jobs"]]
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


def test_runs_are_found_by_the_filters_of_the_pages(stores: Stores, caller: Callable[..., Caller]) -> None:
    now = time.time()
    collected(stores, run_record(now), run_record(now, queue="high"), failed_record(now, queue="high"))
    program = caller()

    found = program.get("runs", {"queue": "high", "outcome": ["failed", "lost"]}).json()["runs"]

    assert [(each["queue"], each["outcome"]) for each in found] == [("high", "failed")]
    one = program.get(f"runs/{found[0]['id']}").json()
    assert "order 41 is closed" in one["traceback"]


def test_runs_are_found_by_what_one_types_on_the_job_list(stores: Stores, caller: Callable[..., Caller]) -> None:
    now = time.time()
    collected(stores, run_record(now), run_record(now, queue="high"), failed_record(now, queue="high"))
    program = caller()

    for typed, expected in {
        "state:failed queue:high": [("high", "failed")],
        "-queue:high": [("default", "succeeded")],
        "run:>1h": [],
    }.items():
        found = program.get("runs", {"filter": typed}).json()["runs"]
        assert [(each["queue"], each["outcome"]) for each in found] == expected, typed


@pytest.mark.parametrize("typed", ["nix:nix", "state:waiting", "still:yes", "run:>soon"])
def test_a_filter_that_cannot_be_answered_of_runs_is_refused_with_its_reason(
    stores: Stores, caller: Callable[..., Caller], typed: str
) -> None:
    answer = caller().get("runs", {"filter": typed})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "query filter"


def test_a_typed_filter_stands_alone_and_tells_no_arguments(stores: Stores, caller: Callable[..., Caller]) -> None:
    collected(stores, run_record(time.time(), call='[["marzipan"], {"member_id": 42}]'))

    assert caller().get("runs", {"filter": "queue:high", "tag": "x"}).status_code == 422
    assert len(caller().get("runs", {"filter": "marzipan"}).json()["runs"]) == 1
    assert caller(Right.VIEW).get("runs", {"filter": "marzipan"}).status_code == 403
    assert caller(Right.VIEW).get("runs", {"filter": "args.member_id:42"}).status_code == 422


def test_pages_of_runs_follow_each_other(stores: Stores, caller: Callable[..., Caller]) -> None:
    now = time.time()
    collected(stores, *(run_record(now - place) for place in range(5)))
    program = caller()

    first = program.get("runs", {"limit": 3}).json()
    second = program.get("runs", {"limit": 3, "after": first["after"]}).json()

    assert len({each["id"] for each in first["runs"] + second["runs"]}) == 5
    assert second["after"] is None


def test_a_series_has_what_was_counted(stores: Stores, caller: Callable[..., Caller]) -> None:
    now = time.time()
    collected(stores, run_record(now), failed_record(now))
    program = caller()

    found = program.get("metrics", {"kind": "queue", "name": "default"}).json()

    assert [(each["succeeded"], each["failed"]) for each in found["points"]] == [(1, 1)]
    assert found["points"][0]["runtime"]["mean"] == pytest.approx(0.25, abs=0.01)
    assert program.get("metrics/names").json()["names"] == ["shop.orders.jobs.pay"]


def test_what_did_not_change_is_answered_with_304(stores: Stores, caller: Callable[..., Caller]) -> None:
    program = caller()
    first = program.get("queues")

    again = program.get("queues", **{"If-None-Match": first.headers["ETag"]})
    stores.pauses.pause(Pause(queue="high", since=time.time(), by="ada", reason="deploy"))
    changed = program.get("queues", **{"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200


def test_answers_are_json_and_are_not_kept(stores: Stores, caller: Callable[..., Caller]) -> None:
    answer = caller().get("status")

    assert answer.headers["Content-Type"].startswith("application/json")
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "query", "where"),
    [
        ("jobs", {"state": "failing"}, "query state"),
        ("jobs", {"limit": "1000000000"}, "query limit"),
        ("jobs", {"limit": "-1"}, "query limit"),
        ("jobs", {"after": "1e20"}, "query after"),
        ("jobs", {"page": "2"}, "query page"),
        ("jobs", {"queue": "hihg"}, "query queue"),
        ("runs", {"after": "99999999999999999999"}, "query after"),
        ("runs", {"since": "nan"}, "query since"),
        ("runs", {"q": "a\x00b"}, "query q"),
        ("failures", {"after": "inf"}, "query after"),
        ("metrics", {"kind": "queue"}, "query name"),
        ("metrics", {"name": "default", "since": "0"}, "query since"),
        ("activity", {"after": "²"}, "query after"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_with_its_place(
    stores: Stores, caller: Callable[..., Caller], path: str, query: dict[str, str], where: str
) -> None:
    answer = caller().get(path, query)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == where
    assert answer.json()["errors"][0]["what"]


@pytest.mark.parametrize(
    "path", ["jobs/no-such-job", "runs/1", "failures/nothing", "schedule/nothing", "queues/nothing", "no/such/address"]
)
def test_what_is_not_there_is_a_404_in_json(stores: Stores, caller: Callable[..., Caller], path: str) -> None:
    answer = caller().get(path)

    assert answer.status_code == 404
    assert answer.json()["errors"]


def test_without_redis_the_api_says_so(redis_away: None, caller: Callable[..., Caller]) -> None:
    answer = caller().get("status")

    assert answer.status_code == 503
    assert answer.json()["errors"][0]["where"] == "Redis"


def test_without_the_database_the_api_says_so(
    stores: Stores, caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**given: object) -> None:
        raise OperationalError("no connection")

    program = caller()
    monkeypatch.setattr(failures, "find_groups", refuse)

    assert program.get("failures").status_code == 503


# --------------------------------------------------------------------------------------------------------- Acting


def test_a_queue_is_paused_and_resumed_and_that_is_noted(stores: Stores, caller: Callable[..., Caller]) -> None:
    program = caller(Right.PAUSE)

    paused = program.post("queues/high/pause", {"reason": "deploy", "minutes": 15})
    held = stores.pauses.current(time.time())
    resumed = program.post("queues/high/resume")
    again = program.post("queues/high/resume")

    assert paused.json() == {"done": True, "outcome": "Paused high for 15 min. Running jobs finish; new ones pile up."}
    assert (held["high"].by, held["high"].reason) == ("token probe", "deploy")
    assert resumed.json()["done"]
    assert not again.json()["done"]
    deeds = Activity.objects.order_by("id").values_list("who", "via", "action", "subject", "succeeded")
    assert list(deeds)[:2] == [
        ("token probe", "token", "pause", "queue high, minutes 15", True),
        ("token probe", "token", "resume", "queue high", True),
    ]


def test_all_queues_are_paused_by_a_star(stores: Stores, caller: Callable[..., Caller]) -> None:
    assert caller().post("queues/*/pause", {"reason": "deploy"}).status_code == 200
    assert "*" in stores.pauses.current(time.time())


def test_a_failed_job_is_retried_and_another_deleted(
    redis: Redis, stores: Stores, caller: Callable[..., Caller]
) -> None:
    one, other = failed(redis, jobs.fail), failed(redis, jobs.fail)
    program = caller()

    assert program.post(f"jobs/{one}/retry").json()["outcome"] == "Retried 1 job."
    assert program.delete(f"jobs/{other}").json()["outcome"] == "Deleted 1 job. For 24 hours this can be undone."

    assert stores.jobs.lengths(["default"]) == {"default": 1}
    assert program.get(f"jobs/{other}").status_code == 404
    late = program.post(f"jobs/{one}/retry")
    assert late.status_code == 409
    assert "queued" in late.json()["errors"][0]["right"]


def test_an_entry_is_run_paused_and_resumed(redis: Redis, stores: Stores, caller: Callable[..., Caller]) -> None:
    program = caller()
    name = program.get("schedule").json()["entries"][0]["name"]

    assert program.post(f"schedule/{name}/run").status_code == 200
    assert program.post(f"schedule/{name}/pause", {"reason": "deploy"}).status_code == 200
    assert program.get(f"schedule/{name}").json()["pause"]["reason"] == "deploy"
    assert program.post(f"schedule/{name}/resume").json()["done"]


def test_a_failure_group_is_marked(stores: Stores, caller: Callable[..., Caller]) -> None:
    collected(stores, failed_record(time.time()))
    program = caller()
    fingerprint = program.get("failures").json()["failures"][0]["fingerprint"]

    unclear = program.post(f"failures/{fingerprint}/mark", {"state": "muted"})
    marked = program.post(f"failures/{fingerprint}/mark", {"state": "muted", "minutes": 30})

    assert unclear.status_code == 422
    assert marked.status_code == 200
    found = program.get(f"failures/{fingerprint}").json()
    assert (found["failure"]["state"], found["failure"]["changed_by"]) == ("muted", "token probe")
    assert "order 41" in found["newest"]["traceback"]


def test_what_a_token_does_stands_in_the_journal_as_what_a_page_does(
    redis: Redis, stores: Stores, caller: Callable[..., Caller]
) -> None:
    collected(stores, failed_record(time.time()))
    program = caller()
    fingerprint = program.get("failures").json()["failures"][0]["fingerprint"]

    program.post(f"failures/{fingerprint}/mark", {"state": "known", "reason": "a deploy"})
    program.post("tags", {"tag": "member:42"})
    program.delete("tags/member:42")
    program.post(f"jobs/{failed(redis, jobs.fail)}/retry")

    deeds = Activity.objects.order_by("id").values_list("action", "via", "reason")
    assert list(deeds) == [
        ("mark failure", "token", "a deploy"),
        ("follow tag", "token", ""),
        ("stop following tag", "token", ""),
        ("retry", "token", ""),
    ]
    assert BulkRun.objects.get().via == "token"


def test_a_tag_is_followed_and_let_go(stores: Stores, caller: Callable[..., Caller]) -> None:
    program = caller()

    assert program.post("tags", {"tag": "member:42"}).json()["done"]
    assert [each["tag"] for each in program.get("tags").json()["tags"]] == ["member:42"]
    assert program.delete("tags/member:42").json()["done"]
    assert not program.delete("tags/member:42").json()["done"]


@pytest.mark.parametrize(
    ("path", "method", "right"),
    [
        (path, method, operation["x-right"])
        for path, operations in PATHS.items()
        for method, operation in operations.items()
        if operation["x-right"] != Right.VIEW
    ],
)
def test_each_act_needs_its_right(
    redis: Redis, caller: Callable[..., Caller], path: str, method: str, right: str
) -> None:
    others = [each for each in Right if each != right]
    program = caller(*others)
    before = digest(redis)

    answer = getattr(program, method)(path[1:].replace("{run_id}", "7").replace("{", "").replace("}", ""))

    assert right != Right.VIEW
    assert answer.status_code == 403
    assert f"allegro_queue.{right} is missing" in answer.json()["errors"][0]["what"]
    assert digest(redis) == before
    assert not Activity.objects.exists()


# ---------------------------------------------------------------------------------------------------------- Tokens


def test_a_token_is_kept_by_its_hash_alone(db: None) -> None:
    made = make("deploys", ["retry_job"], now=datetime.now(UTC), made_by="ada", days=30)

    kept = {key: str(value) for key, value in ApiToken.objects.values().get().items()}
    assert all(made.text not in value for value in kept.values())
    assert made.text.startswith(kept["prefix"])
    assert made.token.rights == ["retry_job", "view_horizon"]


@pytest.mark.parametrize("given", ["", "hzn_", "hzn_" + "x" * 43, "ö", "x" * 10_000, "hzn_ x"])
def test_what_is_no_token_is_a_401(stores: Stores, staging: None, given: str) -> None:
    answer = Caller(given.encode().decode("latin-1")).get("status")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_and_one_that_is_over_let_nobody_in(stores: Stores, staging: None) -> None:
    now = datetime.now(UTC)
    revoked = make("old", [], now=now, made_by="ada")
    over = make("over", [], now=now - timedelta(days=2), made_by="ada", days=1)
    assert Caller(revoked.text).get("status").status_code == 200

    revoke(revoked.token.pk, now)

    assert Caller(revoked.text).get("status").status_code == 401
    assert Caller(over.text).get("status").status_code == 401


def test_a_token_does_no_more_than_its_author_may_now(stores: Stores, staging: None) -> None:
    author = staff()
    made = make("mine", [right.value for right in Right], now=datetime.now(UTC), made_by=author.email, author=author)
    program = Caller(made.text)
    assert program.post("queues/high/pause", {"reason": "deploy"}).status_code == 200
    assert Activity.objects.get().who == f"{author.email} (token mine)"

    User.objects.filter(pk=author.pk).update(email_verified_at=None)

    answer = program.get("status")
    assert answer.status_code == 403
    assert "not verified" in answer.json()["errors"][0]["what"]


def test_a_token_that_does_not_hold_is_not_made_up_for_by_a_session(stores: Stores, staging: None) -> None:
    client = Client(headers={"Authorization": "Bearer wrong"})
    client.force_login(staff())

    assert client.get(API + "status").status_code == 401


def test_the_last_use_is_noted(stores: Stores, caller: Callable[..., Caller]) -> None:
    caller().get("status")

    assert ApiToken.objects.get().used_at is not None


# -------------------------------------------------------------------------------------------------------- Sessions


def test_a_session_reads_and_writes_with_its_csrf_token_alone(stores: Stores, staging: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff())
    assert client.get(API + "status").status_code == 200
    body = {"data": {"reason": "deploy"}, "content_type": "application/json"}

    without = client.post(API + "queues/high/pause", **body)
    as_text = client.post(API + "queues/high/pause", '{"reason": "x"}', content_type="text/plain")
    assert not stores.pauses.current(time.time())
    client.get("/horizon/queues/high/")
    token = client.cookies["csrftoken"].value
    wrong = client.post(API + "queues/high/pause", **body, headers={"X-CSRFToken": "x" * 32})
    right = client.post(API + "queues/high/pause", **body, headers={"X-CSRFToken": token})

    assert [each.status_code for each in (without, as_text, wrong, right)] == [403, 403, 403, 200]
    assert Activity.objects.get().via == "page"


def test_what_is_open_to_this_machine_in_local_is_open_to_no_other_site(stores: Stores) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.get(API + "status").status_code == 200
    assert client.post(API + "queues/high/resume").status_code == 403


def test_a_body_of_another_kind_is_refused(stores: Stores, caller: Callable[..., Caller]) -> None:
    answer = caller()._client.post(API + "queues/high/pause", {"reason": "deploy"})

    assert answer.status_code == 415


def test_other_methods_are_refused_with_those_that_there_are(stores: Stores, caller: Callable[..., Caller]) -> None:
    answer = caller().delete("queues")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"
