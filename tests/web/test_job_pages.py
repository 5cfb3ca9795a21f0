"""The list of jobs and the page of one, from real jobs that RQ's own worker ran."""

from __future__ import annotations

import pickle
import re
import time
import zlib
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.dashboard.page.formats import duration
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import job_key
from tests.support import jobs, scenes
from tests.support.digest import digest
from tests.support.failures import failed, queued, run_all
from tests.support.runs import collected, run_record

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def _allowed(settings: Any, redis: Redis) -> None:
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests"]}


def jobs_page(client: Client, **query: object) -> Any:
    answer = client.get(reverse("horizon:jobs"), query)
    assert answer.status_code == 200
    return answer.context["page"]


def job_text(client: Client, job_id: str, status: int = 200) -> str:
    """What a job's page says, without its markup."""
    answer = client.get(reverse("horizon:job", kwargs={"job_id": job_id}))
    assert answer.status_code == status
    return words_of(answer.content.decode())


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_each_state_has_a_tab_with_its_count(client: Client, redis: Redis) -> None:
    failed(redis, jobs.fail)
    queued(jobs.add, 1, 2, queue="high")
    run_all(redis)
    queued(jobs.nothing)

    tabs = {tab.word: tab.count for tab in jobs_page(client).tabs}

    assert tabs == {"Waiting": "1", "Running": "0", "Scheduled": "0", "Finished": "1", "Failed": "1", "All": ""}


def test_the_queue_filter_holds_for_rows_and_counts(client: Client) -> None:
    wanted = queued(jobs.nothing, queue="high")
    queued(jobs.nothing)

    page = jobs_page(client, state="waiting", queue="high")

    assert [line.id for line in page.lines] == [wanted]
    assert page.sentence == "1 waiting job in high."
    assert page.tabs[0].count == "1"


def test_a_failed_job_shows_the_last_line_of_its_error(client: Client, redis: Redis) -> None:
    failed(redis, jobs.fail, "no answer for ada@example.com")

    [line] = jobs_page(client, state="failed").lines

    assert line.error == "ValueError: no answer for [masked: e-mail]"


def test_long_lists_come_in_pages_of_fifty(client: Client) -> None:
    ids = [queued(jobs.nothing) for _ in range(103)]

    pages = [jobs_page(client, state="waiting", page=number) for number in (1, 2, 3)]

    assert [line.id for page in pages for line in page.lines] == ids
    assert [page.rows for page in pages] == ["Rows 1 to 50 of 103", "Rows 51 to 100 of 103", "Rows 101 to 103 of 103"]
    assert [bool(page.previous) for page in pages] == [False, True, True]
    assert [bool(page.next) for page in pages] == [True, True, False]


def test_a_page_past_the_end_says_which_is_the_last(client: Client) -> None:
    queued(jobs.nothing)

    [problem] = jobs_page(client, state="waiting", page=9).problems

    assert str(problem) == "There is no page 9; the last one is 1."


def test_an_id_leads_to_the_jobs_page(client: Client) -> None:
    job_id = queued(jobs.nothing)

    answer = client.get(reverse("horizon:jobs"), {"q": f" {job_id} "})

    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("horizon:job", kwargs={"job_id": job_id})


def test_other_words_are_looked_for_in_names_and_the_page_says_how_far(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        queued(jobs.add, 1, 2)
        queued(jobs.nothing)
    monkeypatch.setattr("allegro_queue.stores.jobs.JobStore.search.__defaults__", (0, 50, 4))

    # No word that an id may hold, as "add" is.
    page = jobs_page(client, q="NOTHING", state="waiting")

    assert [line.name for line in page.lines] == ["tests.support.jobs.nothing"] * 2
    assert page.reach == "Searched the first 4 of 6 waiting jobs."
    assert page.sentence == "2 waiting jobs that match."


def test_a_search_without_a_state_shows_the_first_state_that_has_a_match(client: Client, redis: Redis) -> None:
    queued(jobs.nothing)
    run_all(redis)
    queued(jobs.add, 1, 2)

    page = jobs_page(client, q="nothing")

    assert page.state == "finished"
    assert len(page.lines) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"state": "x"}, {"queue": HOSTILE}, {"page": "-5"}, {"page": "9" * 400}, {"page": "1e9"}, {"q": "x" * 5000},
        {"q": HOSTILE}, {"state": HOSTILE, "page": HOSTILE}, {"q": "\x00"}, {"q": "ü" * 200}, {"page": "٣"},
        {"live": HOSTILE}, {"q": "x:dependents"}, {"page": "100000"},
    ],
)  # fmt: skip
def test_a_bad_query_gives_a_message_and_never_an_error(client: Client, query: dict[str, str]) -> None:
    queued(jobs.nothing)

    answer = client.get(reverse("horizon:jobs"), query)

    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()
    assert "<img src=x" not in answer.content.decode()


def test_an_empty_list_says_why_and_where_there_are_jobs(client: Client) -> None:
    queued(jobs.nothing)

    answer = client.get(reverse("horizon:jobs"), {"state": "failed"})

    assert "No failed jobs" in words_of(answer.content.decode())
    assert [tab.word for tab in answer.context["page"].elsewhere] == ["Waiting"]


def test_a_finished_job_shows_its_story_its_arguments_and_its_result(client: Client, redis: Redis) -> None:
    job_id = queued(jobs.add, 20, kwargs={"right": 22}, queue="high")
    run_all(redis)

    text = job_text(client, job_id)

    assert "add finished in" in text
    assert "Created for the queue high" in text
    assert "waited" in text
    assert "right: 22" in text
    assert "Result 42" in text
    assert "Time limit 1 min for each attempt" in text
    assert "Retry" not in text


def test_a_failed_job_shows_its_error_its_own_frames_and_what_can_be_done(client: Client, redis: Redis) -> None:
    job_id = failed(redis, jobs.fail, "as asked")

    answer = client.get(reverse("horizon:job", kwargs={"job_id": job_id}))
    text = words_of(answer.content.decode())

    assert "fail failed after" in text
    assert "ValueError: as asked" in text
    line = jobs.fail.__code__.co_firstlineno + 1
    assert f"tests/support/jobs.py:{line} in fail raise ValueError(message)" in text
    assert f'href="{reverse("horizon:confirm_retry")}?id={job_id}' in answer.content.decode()
    assert 'role="img"' in answer.content.decode()
    assert answer.context["page"].trace.steps[0].folded


def test_the_sentence_gives_the_same_time_as_the_newest_attempt(client: Client, redis: Redis) -> None:
    job_id = failed(redis, jobs.fail, "as asked")
    # The job's own times are set at other moments than the attempt's.
    redis.hset(job_key(job_id), mapping={"started_at": "2026-01-02T03:04:05Z", "ended_at": "2026-01-02T03:04:47Z"})

    page = client.get(reverse("horizon:job", kwargs={"job_id": job_id})).context["page"]

    assert page.sentence == f"fail failed after {duration(page.attempts[0].run_seconds)}: ValueError."


def test_private_arguments_are_masked(client: Client, redis: Redis) -> None:
    payload = {"allegro_token": "hunter2", "email": "ada@example.com", "note": "write to bob@example.com", "page": 7}
    job_id = failed(redis, jobs.fail, payload)

    answer = client.get(reverse("horizon:job", kwargs={"job_id": job_id}))

    for private in ("hunter2", "ada@example.com", "bob@example.com"):
        assert private not in answer.content.decode()
    assert "allegro_token: masked: secret" in words_of(answer.content.decode())
    assert "page: 7" in words_of(answer.content.decode())


@pytest.mark.parametrize(
    "job_id", ["no-such-job", "x:dependents", "%00", HOSTILE.replace("/", ""), "é" * 50, "..", "a b", "x" * 3000]
)
def test_an_unknown_or_hostile_id_gets_a_page_that_says_so(client: Client, redis: Redis, job_id: str) -> None:
    redis.sadd("rq:job:x:dependents", "y")

    answer = client.get(reverse("horizon:job", kwargs={"job_id": job_id}))

    assert answer.status_code == 404
    assert "There is no job of this id." in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()
    assert "<img src=x" not in answer.content.decode()


def test_what_comes_out_of_redis_stays_text_everywhere(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.fail, {HOSTILE: HOSTILE})
    redis.hset(
        f"rq:job:{job_id}",
        mapping={"description": HOSTILE, "worker_name": HOSTILE, "status": HOSTILE},
    )
    redis.xadd(f"rq:results:{job_id}", {"type": "99", "worker_name": HOSTILE, "execution_started_at": time.time()})
    scenes.quiet_system(stores, time.time())
    collected(stores, run_record(time.time(), name=HOSTILE, queue=HOSTILE))
    addresses = [
        reverse("horizon:jobs") + "?state=failed",
        reverse("horizon:job", kwargs={"job_id": job_id}),
        reverse("horizon:confirm_retry") + f"?id={job_id}",
        reverse("horizon:confirm_retry") + "?all=1",
        reverse("horizon:metrics"),
        reverse("horizon:metrics") + "jobs/%3Cscript%3Ealert('x')",
    ]

    for address in addresses:
        page = client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert " style=" not in page
        assert "<style" not in page


class Explosive:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("unpickled",))


def test_a_payload_that_cannot_be_read_says_why_and_is_not_unpickled(client: Client, redis: Redis) -> None:
    job_id = queued(jobs.nothing)
    redis.hset(f"rq:job:{job_id}", "data", zlib.compress(pickle.dumps(("f", None, (Explosive(),), {}))))

    text = job_text(client, job_id)

    assert "Not shown The arguments are not JSON" in text
    assert "nothing else is read here" in text
    assert jobs_page(client, state="waiting").lines[0].id == job_id


@pytest.mark.parametrize("name", ["jobs", "job", "confirm_retry", "confirm_delete", "confirm_pause", "metrics"])
def test_without_redis_the_frame_stands_and_says_so(client: Client, redis_away: None, name: str) -> None:
    places = {"job_id": "some-job"} if name == "job" else {}

    answer = client.get(reverse(f"horizon:{name}", kwargs=places))

    assert answer.status_code == 200
    assert "does not answer" in answer.content.decode()


def test_a_search_without_redis_says_so_too(client: Client, redis_away: None) -> None:
    assert "does not answer" in client.get(reverse("horizon:jobs"), {"q": "some-job"}).content.decode()


def test_looking_changes_nothing_in_redis(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.fail)
    scenes.busy_system(stores, time.time())
    before = digest(stores.client)

    for address in (
        reverse("horizon:jobs"),
        reverse("horizon:jobs") + "?state=failed",
        reverse("horizon:jobs") + "?q=add",
        reverse("horizon:job", kwargs={"job_id": job_id}),
        reverse("horizon:confirm_retry") + f"?id={job_id}",
        reverse("horizon:confirm_delete") + "?all=1",
        reverse("horizon:confirm_pause") + "?queue=high",
        reverse("horizon:metrics"),
        reverse("horizon:queue_metrics", kwargs={"queue": "high"}),
        reverse("horizon:job_metrics", kwargs={"job_name": "shop.orders.jobs.pay"}),
    ):
        assert client.get(address).status_code == 200
        assert client.head(address).status_code == 200

    assert digest(stores.client) == before
