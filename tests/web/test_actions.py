"""What can be done from the pages, and what cannot be done by accident or by a stranger's page."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.dashboard.acting.actions import ACTIONS as QUEUE_ACTIONS
from allegro_queue.dashboard.acting.actions import own_page
from allegro_queue.dashboard.acting.views import ACTIONS as BULK_ACTIONS
from allegro_queue.dashboard.acting.views import RUN_ACTIONS
from allegro_queue.dashboard.job.act_views import ACTIONS as ONE_JOB_ACTIONS
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pauses import Pause
from tests.support import jobs
from tests.support.digest import digest
from tests.support.failed_jobs import failed_ids
from tests.support.failures import failed, queued, run_all

pytestmark = pytest.mark.django_db

QUEUES = ("high", "default", "audience-sync")
ACTIONS = (*QUEUE_ACTIONS, *BULK_ACTIONS, *ONE_JOB_ACTIONS)


@pytest.fixture(autouse=True)
def _allowed(settings: Any, redis: Redis) -> None:
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests"]}


def do(client: Client, name: str, **form: Any) -> tuple[Any, str]:
    """Do it; the answer and the newest of what the next page will say."""
    answer = client.post(reverse(f"horizon:{name}"), form)
    assert answer.status_code == 302
    return answer, str(list(get_messages(answer.wsgi_request))[-1])


def test_ticked_jobs_are_retried_and_the_rest_stays(client: Client, redis: Redis, stores: Stores) -> None:
    ids = [failed(redis, jobs.fail) for _ in range(3)]

    answer, message = do(client, "retry", id=[*ids[:2], "gone"], next=reverse("horizon:jobs") + "?state=failed")

    assert message == "Retried 2 jobs. 1 was gone."
    assert answer.headers["Location"] == reverse("horizon:jobs") + "?state=failed"
    assert failed_ids(stores, QUEUES) == [ids[2]]
    assert [row.id for row in stores.jobs.page(State.WAITING, QUEUES)[0]] == ids[:2]


def test_a_retried_job_runs_again(client: Client, redis: Redis, stores: Stores, tmp_path: Any) -> None:
    job_id = failed(redis, jobs.note, str(tmp_path / "missing" / "file"), "word")
    (tmp_path / "missing").mkdir()

    do(client, "retry", id=job_id)
    run_all(redis)

    assert (tmp_path / "missing" / "file").read_text() == "word\n"
    assert stores.jobs.counts(QUEUES)[State.FINISHED] == 1


def test_all_of_a_queue_are_retried_and_no_other(client: Client, redis: Redis, stores: Stores) -> None:
    for _ in range(3):
        failed(redis, jobs.fail, queue="high")
    other = failed(redis, jobs.fail)

    _, message = do(client, "retry", all="1", queue="high")

    assert message == "Retried 3 jobs."
    assert failed_ids(stores, QUEUES) == [other]


def test_what_failed_after_the_question_was_asked_is_left_alone(client: Client, redis: Redis, stores: Stores) -> None:
    failed(redis, jobs.fail)
    question = client.get(reverse("horizon:confirm_delete"), {"all": "1"}).context["page"]
    later = failed(redis, jobs.fail)

    form = {"all": "1", "failed_until": str(question.failed_until), "count": "1", "typed": "1", "reason": "old"}
    _, message = do(client, "delete", **form)

    assert message == "Deleted 1 job. 1 failed only since and was left alone. For 24 hours this can be undone."
    assert failed_ids(stores, QUEUES) == [later]


def test_deleted_jobs_are_gone(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.fail)

    _, message = do(client, "delete", id=job_id)

    assert message == "Deleted 1 job. For 24 hours this can be undone."
    assert stores.jobs.get(job_id) is None


def test_a_job_that_is_not_failed_cannot_be_run_twice(client: Client, stores: Stores) -> None:
    job_id = queued(jobs.nothing)

    assert do(client, "retry", id=job_id)[1].startswith("Not retried: it waits in default since ")
    assert stores.jobs.lengths(QUEUES)["default"] == 1


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "No job was ticked, so nothing was done. Tick some rows first."),
        ({"all": "1", "queue": "nope"}, "There is no queue 'nope', so nothing was done."),
        ({"id": [f"job-{number}" for number in range(501)]}, "501 jobs were named; at most 500 can be named at once."),
    ],
)
def test_a_choice_that_makes_no_sense_changes_nothing(
    client: Client, redis: Redis, stores: Stores, form: dict[str, Any], message: str
) -> None:
    failed(redis, jobs.fail)
    before = digest(stores.client)

    assert do(client, "retry", **form)[1] == message
    assert do(client, "delete", **form)[1] == message
    assert digest(stores.client) == before


@pytest.mark.parametrize("form", [{"failed_until": "nan"}, {"failed_until": "x"}, {"failed_until": "1e999"}])
def test_a_cut_off_that_is_no_time_counts_as_none(client: Client, redis: Redis, form: dict[str, str]) -> None:
    assert do(client, "retry", id=failed(redis, jobs.fail), **form)[1] == "Retried 1 job."


def test_the_question_says_how_many_where_to_and_what_is_left_out(client: Client, redis: Redis) -> None:
    ids = [failed(redis, jobs.fail, queue="high") for _ in range(2)]
    queued(jobs.nothing, queue="high")

    page = client.get(reverse("horizon:confirm_retry"), {"id": [*ids, "gone"]}).context["page"]

    assert page.question == "Retry 2 failed jobs?"
    assert (page.count, page.gone) == (2, 1)
    assert [(each.queue, each.jobs, each.waiting) for each in page.targets] == [("high", 2, 1)]


def test_the_question_for_all_counts_all(client: Client, redis: Redis) -> None:
    for _ in range(12):
        failed(redis, jobs.fail)

    answer = client.get(reverse("horizon:confirm_delete"), {"all": "1", "queue": "default"})

    assert answer.context["page"].question == "Delete all 12 failed jobs in default?"
    assert "can be restored for 24 hours" in answer.content.decode()


@pytest.mark.parametrize(
    "query", [{}, {"id": "gone"}, {"id": "<script>"}, {"all": "1"}, {"all": "1", "queue": "<script>alert(1)</script>"}]
)
def test_a_question_about_nothing_says_so(client: Client, query: dict[str, str]) -> None:
    for name in ("confirm_retry", "confirm_delete"):
        answer = client.get(reverse(f"horizon:{name}"), query)

        assert answer.status_code == 200
        assert answer.context["page"].problem
        assert '<form method="post" class="hz-confirm"' not in answer.content.decode()
        assert "<script>alert" not in answer.content.decode()


def test_a_queue_is_paused_with_a_reason_and_for_some_minutes(client: Client, stores: Stores) -> None:
    _, message = do(client, "pause", queue="high", reason="mail is down", minutes="15")

    pause = stores.pauses.current(time.time())["high"]
    assert message == "Paused high for 15 min. Running jobs finish; new ones pile up."
    assert (pause.reason, pause.by) == ("mail is down", "somebody on this machine")
    assert pause.until == pytest.approx(time.time() + 900, abs=30)


def test_all_queues_are_paused_until_somebody_resumes_them(client: Client, stores: Stores) -> None:
    assert do(client, "pause", queue="*", reason="deploy")[1].startswith("Paused all queues until somebody resumes")
    assert stores.pauses.current(time.time() + 10**9)["*"].until is None

    assert do(client, "resume", queue="*")[1] == "Resumed all queues."
    assert do(client, "resume", queue="*")[1] == "There is no pause of all queues (any more)."
    assert stores.pauses.current(time.time()) == {}


@pytest.mark.parametrize(
    "form",
    [
        {"queue": "nope", "reason": "x"},
        {"queue": "", "reason": "x"},
        {"queue": "high", "reason": " "},
        {"queue": "high", "reason": "x" * 201},
        {"queue": "high", "reason": "x", "minutes": "0"},
        {"queue": "high", "reason": "x", "minutes": "-5"},
        {"queue": "high", "reason": "x", "minutes": "1.5"},
        {"queue": "high", "reason": "x", "minutes": "10081"},
        {"queue": "high", "reason": "x", "minutes": "9" * 99},
    ],
)
def test_a_pause_that_makes_no_sense_is_refused_in_words(client: Client, stores: Stores, form: dict[str, str]) -> None:
    _, message = do(client, "pause", **form)

    assert "nothing was" in message.lower()
    assert stores.pauses.current(time.time()) == {}


def test_the_pause_page_asks_and_a_paused_queue_can_be_resumed_there(client: Client, stores: Stores) -> None:
    address = reverse("horizon:confirm_pause") + "?queue=high"
    assert "Pause high?" in client.get(address).content.decode()

    stores.pauses.pause(Pause(queue="high", since=time.time(), reason="<script>alert(1)</script>"))

    page = client.get(address).content.decode()
    assert "Resume high, or pause anew?" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("name", [name for _, _, name in (*ACTIONS, *RUN_ACTIONS)])
def test_an_action_answers_to_post_alone(client: Client, redis: Redis, stores: Stores, name: str) -> None:
    job_id = failed(redis, jobs.fail)
    stores.pauses.pause(Pause(queue="high", since=time.time()))
    before = digest(stores.client)
    query = {"id": job_id, "all": "1", "queue": "high", "reason": "x"}

    for method in (client.get, client.head, client.options, client.put, client.delete):
        assert method(reverse(f"horizon:{name}"), query).status_code == 405

    assert digest(stores.client) == before


@pytest.mark.parametrize("name", [name for _, _, name in (*ACTIONS, *RUN_ACTIONS)])
def test_a_post_from_another_site_changes_nothing(redis: Redis, stores: Stores, name: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    job_id = failed(redis, jobs.fail)
    stores.pauses.pause(Pause(queue="high", since=time.time()))
    before = digest(stores.client)

    answer = strict.post(reverse(f"horizon:{name}"), {"id": job_id, "queue": "high", "reason": "x"})

    assert answer.status_code == 403
    assert digest(stores.client) == before


@pytest.mark.parametrize(
    "given",
    [
        "https://evil.example/horizon/jobs/", "//evil.example/horizon/", "/\\evil.example/", "\\\\evil.example",
        "javascript:alert(1)", "/admin/", "/", "", "/horizon/actions/retry/", "/horizon/nope/", "http:///horizon/jobs/",
        "/horizon/jobs/\r\nX-Header: 1", "/up", "horizon/jobs/", "http://[::1", " //evil.example/horizon/jobs/",
        "///evil.example/horizon/jobs/",
    ],
)  # fmt: skip
def test_nobody_is_led_away_from_our_pages(client: Client, given: str) -> None:
    answer, _ = do(client, "resume", queue="high", next=given)

    assert answer.headers["Location"] == reverse("horizon:jobs")
    assert client.get(reverse("horizon:confirm_retry"), {"next": given}).context["page"].next == reverse("horizon:jobs")


def test_a_page_of_ours_is_led_back_to_with_its_query() -> None:
    address = reverse("horizon:jobs") + "?state=failed&queue=high&page=2"

    assert own_page(address) == address
    assert own_page(reverse("horizon:overview")) == reverse("horizon:overview")


@pytest.mark.parametrize("name", [name for _, _, name in ACTIONS])
def test_without_redis_an_action_says_that_nothing_is_certain(client: Client, redis_away: None, name: str) -> None:
    _, message = do(client, name, id="some-job", queue="high", reason="x", typed="high", to="default")

    assert message.startswith("Redis did not answer, so it is not known what was done.")


def test_who_paused_it_is_noted(client: Client, stores: Stores, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user(email="ada@alley.com", is_staff=True))

    do(client, "pause", queue="high", reason="x")

    assert stores.pauses.current(time.time())["high"].by == "ada@alley.com"
