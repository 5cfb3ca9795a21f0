"""Running a job again as a new one, with other arguments, and stopping one."""

from __future__ import annotations

import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client, TestCase
from django.urls import reverse
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from tests.support import jobs
from tests.support.digest import digest
from tests.support.eventually import eventually
from tests.support.failures import failed, queued, run_all
from tests.support.running import running

pytestmark = pytest.mark.django_db

QUEUES = ("high", "default", "audience-sync")


def do(client: Client, name: str, **form: Any) -> tuple[Any, str]:
    answer = client.post(reverse(f"horizon:{name}"), form)
    assert answer.status_code == 302
    return answer, str(list(get_messages(answer.wsgi_request))[-1])


def dispatched(*call: Any, **given: Any) -> str:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return str(dispatch(*call, **given))


def question(client: Client, name: str, job_id: str) -> Any:
    return client.get(reverse(f"horizon:{name}"), {"id": job_id}).context["page"]


def test_a_job_runs_again_as_a_new_one_with_the_same_call_and_terms(
    client: Client, redis: Redis, stores: Stores
) -> None:
    options = JobOptions(tries=3, timeout=17, tags=["member:7"], backoff=5)
    job_id = dispatched(jobs.add, 1, right="x", options=options)
    before = redis.hgetall(f"rq:job:{job_id}")
    redis.delete("rq:queue:default")
    redis.hset(f"rq:job:{job_id}", mapping={"status": "failed", "retries_left": "0", "horizon_attempt": "3"})
    token = question(client, "confirm_again", job_id).token

    answer, message = do(client, "run_again", id=job_id, token=token)
    do(client, "run_again", id=job_id, token=token)

    [row], total = stores.jobs.page(State.WAITING, QUEUES)
    assert total == 1
    assert message == f"Queued in default as job {row.id}."
    assert answer.headers["Location"] == reverse("horizon:job", kwargs={"job_id": row.id})
    copy = redis.hgetall(f"rq:job:{row.id}")
    for field in (b"data", b"horizon", b"timeout", b"result_ttl", b"failure_ttl", b"retries_left", b"origin"):
        assert copy[field] == before[field]
    assert redis.hget(f"rq:job:{job_id}", "status") == b"failed"
    assert get_queue("default").fetch_job(row.id).kwargs == {"right": "x"}


def test_a_unique_job_is_not_queued_beside_its_like(client: Client, redis: Redis, stores: Stores) -> None:
    first = dispatched(jobs.fail, options=JobOptions(unique=True))
    run_all(redis)
    second = dispatched(jobs.fail, options=JobOptions(unique=True))

    answer, message = do(client, "run_again", id=first)

    assert message == f"Not queued: another of its kind waits or runs, job {second}."
    assert answer.headers["Location"] == reverse("horizon:job", kwargs={"job_id": second})
    assert stores.jobs.lengths(QUEUES)["default"] == 1


def test_a_job_runs_again_with_other_arguments(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.add, 1, "x")
    page = question(client, "edit", job_id)
    assert (json.loads(page.args), json.loads(page.kwargs), page.has_masks) == ([1, "x"], {}, False)

    _, message = do(client, "run_other", id=job_id, token=page.token, args="[1, 2]", kwargs="{}")
    run_all(redis)

    [row], _ = stores.jobs.page(State.FINISHED, QUEUES)
    assert message == f"Queued in default as job {row.id}."
    detail = stores.jobs.get(row.id)
    assert detail is not None
    assert detail.attempts[0].value == "3"


def test_masks_are_shown_in_the_form_and_never_sent(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = queued(jobs.fail, {"api_key": "s3cr3t-value", "to": "ada@example.com"})
    answer = client.get(reverse("horizon:edit"), {"id": job_id})
    page = answer.context["page"]

    assert "s3cr3t-value" not in answer.content.decode()
    assert "ada@example.com" not in answer.content.decode()
    assert page.has_masks
    _, message = do(client, "run_other", id=job_id, token=page.token, args=page.args, kwargs=page.kwargs)

    assert "still holds a mask" in message
    assert stores.jobs.lengths(QUEUES)["default"] == 1


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        ("[1, 2", "{}", "The arguments are not JSON"),
        ('{"left": 1}', "{}", "must be a JSON list"),
        ("[]", "[1]", "must be a JSON object"),
        ("[1]", "{}", "does not take these arguments"),
        ("[1, 2, 3]", "{}", "does not take these arguments"),
        ("[1]", '{"wrong": 2}', "does not take these arguments"),
        ("[NaN, 1]", "{}", "JSON does not have NaN"),
        ("[" * 5000 + "]" * 5000, "{}", "not JSON"),
        (json.dumps([1, "x" * 599_000]), "{}", "bytes as JSON; at most"),
        ("cos\nsystem\n(S'true'\ntR.", "{}", "The arguments are not JSON"),
    ],
)
def test_arguments_that_are_wrong_are_refused_in_words(
    client: Client, redis: Redis, stores: Stores, args: str, kwargs: str, words: str
) -> None:
    job_id = failed(redis, jobs.add, 1, "x")
    before = digest(stores.client)

    answer, message = do(client, "run_other", id=job_id, args=args, kwargs=kwargs)

    assert words in message
    assert answer.headers["Location"] == reverse("horizon:edit") + f"?id={job_id}"
    assert digest(stores.client) == before


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "allegro_queue.bulk.work.carry_on", "tests_other.x"])
def test_a_function_that_is_not_allowed_is_never_queued(
    client: Client, redis: Redis, stores: Stores, settings: Any, name: str
) -> None:
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests"]}
    job_id = queued(name, "true")
    # What the hash says of itself does not count: the payload does.
    redis.hset(f"rq:job:{job_id}", "description", "tests.support.jobs.add")
    before = digest(stores.client)

    for act, form in (("run_again", {}), ("run_other", {"args": '["true"]', "kwargs": "{}"})):
        assert do(client, act, id=job_id, **form)[1].startswith("Not queued: ")
    assert question(client, "confirm_again", job_id).problem
    assert digest(stores.client) == before


class Explosive:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("unpickled",))


def test_a_pickled_call_is_neither_read_nor_copied(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = queued(jobs.nothing)
    redis.hset(f"rq:job:{job_id}", "data", zlib.compress(pickle.dumps(("f", None, (Explosive(),), {}))))

    for name in ("confirm_again", "edit"):
        assert question(client, name, job_id).problem == "Its call is not JSON, and nothing else is read here."
    for act in ("run_again", "run_other"):
        assert do(client, act, id=job_id)[1] == "Not queued: Its call is not JSON, and nothing else is read here."


@pytest.mark.parametrize("token", ["", "x", "../../etc", "0" * 400])
def test_a_token_that_is_none_still_gives_a_job_of_its_own(
    client: Client, redis: Redis, stores: Stores, token: str
) -> None:
    do(client, "run_again", id=failed(redis, jobs.fail), token=token)

    assert stores.jobs.lengths(QUEUES)["default"] == 1


def test_who_may_not_see_arguments_may_not_edit_them(
    redis: Redis, stores: Stores, settings: Any, django_user_model: Any
) -> None:
    from django.contrib.auth.models import Permission

    settings.HORIZON = {
        **settings.HORIZON,
        "environment": "production",
        "gate": "allegro_queue.access.staff_with_permission",
    }
    user = django_user_model.objects.create_user(email="blind@alley.com", is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename="view_payload"))
    blind = Client()
    blind.force_login(user)
    job_id = failed(redis, jobs.add, 1, "x")

    assert blind.get(reverse("horizon:edit"), {"id": job_id}).status_code == 403
    assert do(blind, "run_other", id=job_id, args="[1, 2]")[1].startswith("Not queued: who may not see arguments")
    assert stores.jobs.lengths(QUEUES)["default"] == 0


def test_a_job_that_does_not_run_is_not_stopped_and_the_page_says_what_it_is(client: Client, redis: Redis) -> None:
    job_id = failed(redis, jobs.fail)

    assert do(client, "stop", id=job_id)[1].startswith("Not stopped: ")
    assert question(client, "confirm_stop", job_id).problem.startswith("It cannot be stopped: ")
    assert do(client, "stop", id="gone")[1] == "Not stopped: it is gone."


def test_a_running_job_is_stopped(client: Client, redis: Redis, stores: Stores, tmp_path: Path) -> None:
    job_id = queued(jobs.enter, str(tmp_path / "ledger"), 60)
    with running("rqworker", "default") as worker:
        eventually(lambda: (row := stores.jobs.rows([job_id])) and row[0].status == "started", explain=worker.said)
        page = question(client, "confirm_stop", job_id)
        assert page.problem == ""

        assert do(client, "stop", id=job_id)[1].startswith("Its worker was told to stop it.")

        eventually(lambda: stores.jobs.rows([job_id])[0].status == "stopped", explain=worker.said)
