"""The list of jobs over history: states, filters, pages, what it says of its reach, and where it falls back to Redis."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from redis import Redis

from allegro_queue.bulk.models import BulkRun
from allegro_queue.history import run_pages
from allegro_queue.history.models import Collected, Run
from allegro_queue.jobs import ATTEMPT_FIELD
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.terms import FIELD, Terms
from tests.support import jobs
from tests.support.failures import failed, queued
from tests.support.runs import add_runs, collected, failed_record, run_record
from tests.support.trips import trips_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _allowed(settings: Any, redis: Redis) -> None:
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests"]}


def jobs_page(client: Client, **query: object) -> Any:
    answer = client.get(reverse("horizon:jobs"), query)
    assert answer.status_code == 200, answer.headers
    return answer.context["page"]


def ids(page: Any) -> list[str]:
    return [line.id for line in page.lines]


def tagged(*tags: str, **given: Any) -> str:
    return Terms(tags=tags, **given).encode()


def test_each_way_to_end_has_its_list(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(
        stores,
        run_record(now - 5, job_id="good"),
        failed_record(now - 4, job_id="bad", outcome="retried"),
        failed_record(now - 3, job_id="bad", attempt=2),
        run_record(now - 2, job_id="gone", outcome="lost", error="its worker died"),
        run_record(now - 1, job_id="halted", outcome="stopped"),
    )

    assert ids(jobs_page(client, state="finished")) == ["good"]
    assert ids(jobs_page(client, state="failed")) == ["bad"]
    assert ids(jobs_page(client, state="retried")) == ["bad"]
    assert ids(jobs_page(client, state="lost")) == ["gone"]
    assert ids(jobs_page(client, state="stopped")) == ["halted"]
    assert ids(jobs_page(client, state="failed,lost")) == ["gone", "bad"]
    assert ids(jobs_page(client, state="all")) == ["halted", "gone", "bad", "bad", "good"]
    tabs = {tab.word: tab.count for tab in jobs_page(client, state="all").tabs}
    assert (tabs["Finished"], tabs["Failed"], tabs["Stopped"], tabs["All"]) == ("1", "1", "1", "5")


def test_terms_narrow_the_list(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(
        stores,
        run_record(now - 100, job_id="slow", queue="high", started_at=now - 160, terms=tagged("order:7", tenant="t1")),
        run_record(now - 5, job_id="quick", queue="default", terms=tagged("order:8")),
        failed_record(now - 4, job_id="bad", attempt=3),
    )

    for asked, found in (
        ({"queue": "high"}, ["slow"]),
        ({"-queue": "high"}, ["bad", "quick"]),
        ({"tag": "order:7"}, ["slow"]),
        ({"tag": "order:7,order:8"}, ["quick", "slow"]),
        ({"-tag": "order:7"}, ["bad", "quick"]),
        ({"tenant": "t1"}, ["slow"]),
        ({"run": ">30s"}, ["slow"]),
        ({"attempt": ">1"}, ["bad"]),
        ({"error": "value"}, ["bad"]),
        ({"func": "pay"}, ["bad", "quick", "slow"]),
        ({"func": "nope"}, []),
        # By when a run was recorded, which is just now.
        ({"age": ">1m"}, []),
        ({"age": "<1m"}, ["bad", "quick", "slow"]),
        ({"q": "closed"}, ["bad"]),
        ({"q": '"order 41 is"'}, ["bad"]),
        ({"q": '"41 order"'}, []),
        ({"q": "-closed"}, ["quick", "slow"]),
        ({"host": "web-1", "state": "failed"}, ["bad"]),
        ({"id": "quick"}, ["quick"]),
    ):
        assert ids(jobs_page(client, **{"state": "all", **asked})) == found, asked


def test_arguments_are_found_by_name_and_value(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(
        stores,
        run_record(now - 1, job_id="one", call='["tests.support.jobs.add",null,[],{"member":991,"name":"Ada"}]'),
        run_record(now, job_id="two", call='["tests.support.jobs.add",null,[],{"member":9910}]'),
    )

    assert ids(jobs_page(client, **{"state": "all", "args.member": "991"})) == ["one"]
    assert ids(jobs_page(client, **{"state": "all", "args.name": "Ada"})) == ["one"]


def test_arguments_are_asked_for_by_those_alone_who_may_see_them(
    client: Client, stores: Stores, reader: Callable[..., Any]
) -> None:
    reader()
    collected(stores, run_record(time.time(), call='["shop.jobs.pay",null,[],{"amount":12}]'), run_record(time.time()))

    page = jobs_page(client, **{"state": "finished", "args.amount": "12"})

    assert len(page.lines) == 2
    assert [str(each) for each in page.problems] == [
        "args.amount:12 takes the right allegro_queue.view_payload, so it is left out."
    ]


def test_words_of_arguments_are_not_told_by_searching_for_them(
    client: Client, stores: Stores, reader: Callable[..., Any]
) -> None:
    reader(Right.RETRY)
    collected(
        stores,
        run_record(time.time(), job_id="job-one-1", call='["shop.jobs.pay",null,["marzipan"],{}]'),
        run_record(time.time()),
    )

    for asked in ({"q": "marzipan"}, {"q": "-marzipan", "state": "finished"}, {"q": "nougat", "state": "all"}):
        page = jobs_page(client, **asked)
        assert "is looked for in arguments too" in str(page.problems[0]), asked
        assert all(term.key for term in page.query.terms)
    assert len(jobs_page(client, state="all", q="nougat").lines) == 2
    assert client.get(reverse("horizon:jobs"), {"q": "job-one-1"}).status_code == 302
    refused = client.get(reverse("horizon:confirm_retry"), {"all": "1", "text": "marzipan"})
    assert (refused.status_code, "view_payload" in refused.content.decode()) == (403, True)
    client.post(reverse("horizon:retry"), {"all": "1", "text": "marzipan"})
    assert not BulkRun.objects.exists()


def test_private_tags_are_masked_before_a_job_has_run_too(client: Client, redis: Redis) -> None:
    job_id = queued(jobs.nothing)
    redis.hset(f"rq:job:{job_id}", FIELD, tagged("to ada@example.com", "token:hunter2", "order:7"))

    for address in (reverse("horizon:jobs") + "?state=waiting", reverse("horizon:job", kwargs={"job_id": job_id})):
        page = client.get(address).content.decode()
        assert "ada@example.com" not in page
        assert "ada%40example.com" not in page
        assert "hunter2" not in page
        assert "order:7" in page


def test_pages_go_on_where_the_last_one_ended_while_new_runs_arrive(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, *(run_record(now - 200 + number, job_id=f"job-{number}") for number in range(120)))

    first = jobs_page(client, state="finished")
    collected(stores, *(run_record(now, job_id=f"new-{number}") for number in range(60)))
    second = client.get(first.next).context["page"]
    third = client.get(second.next).context["page"]

    assert ids(first) + ids(second) + ids(third) == [f"job-{number}" for number in range(119, -1, -1)]
    assert third.next == ""
    assert ids(client.get(third.previous).context["page"])[0] == "new-59"


def test_a_search_that_stops_says_how_far_it_looked_and_goes_on(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_pages, "SEARCHED", 10)
    monkeypatch.setattr("allegro_queue.dashboard.jobs.runs.SEARCHED", 10)
    now = time.time()
    collected(
        stores,
        run_record(now - 100, job_id="wanted", started_at=now - 160),
        *(run_record(now - number, job_id=f"job-{number}") for number in range(15, 0, -1)),
    )

    page = jobs_page(client, state="finished", run=">30s")
    further = client.get(page.go_on).context["page"]

    assert ids(page) == []
    assert page.sentence == "No finished runs that match so far."
    assert page.reach.startswith("Searched 10 of 16 runs, newest first, back to ")
    assert page.slow == "No index answers run:>30s: runs are looked at one by one, 10 at a time."
    assert ids(further) == ["wanted"]
    assert further.go_on == ""


def test_matches_are_counted_as_far_as_that_is_cheap(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, *(run_record(now - number, terms=tagged("order:7")) for number in range(60)))

    assert jobs_page(client, state="finished").sentence == "60 finished runs."
    assert jobs_page(client, state="finished", tag="order:7").sentence == "60 finished runs that match."
    assert jobs_page(client, state="finished", q="pay").sentence == "50+ finished runs that match."
    assert jobs_page(client, state="finished", q="pay", tag="order:7").sentence == "60 finished runs that match."


def test_what_is_typed_becomes_an_address_of_plain_terms(client: Client, stores: Stores) -> None:
    answer = client.get(reverse("horizon:jobs"), {"q": "state:failed queue:high deliver", "live": "off"})

    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("horizon:jobs") + "?state=failed&queue=high&q=deliver&live=off"


def test_a_problem_stands_under_the_box_and_the_rest_is_asked(client: Client, stores: Stores) -> None:
    collected(stores, failed_record(time.time(), job_id="bad"), run_record(time.time(), job_id="good"))

    page = jobs_page(client, q="state:failed nope:1")

    assert str(page.problems[0]).startswith("Character 14: There is nothing called “nope”")
    assert ids(page) == ["bad"]
    assert page.query.box == "state:failed nope:1"


def test_an_empty_list_offers_to_drop_each_term(client: Client, stores: Stores) -> None:
    collected(stores, run_record(time.time()))

    page = jobs_page(client, state="failed", tag="order:7", q="deliver")

    assert [drop.words for drop in page.drops] == ["tag:order:7", "deliver"]
    assert page.drops[0].address == reverse("horizon:jobs") + "?state=failed&q=deliver"


def test_an_empty_list_says_without_which_term_there_are_some(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, failed_record(now, terms=tagged("order:7")), failed_record(now, queue="high"))
    asked = {"state": "failed", "queue": "high", "tag": "order:7", "q": "nowhere"}

    assert [drop.finds for drop in jobs_page(client, **asked).drops] == [False, False, False]
    del asked["q"]
    page = jobs_page(client, **asked)

    assert [(drop.words, drop.finds) for drop in page.drops] == [("queue:high", True), ("tag:order:7", True)]
    body = client.get(reverse("horizon:jobs"), asked).content.decode()
    assert "Without tag:order:7 there are some" in body
    asked["host"] = "elsewhere"
    del asked["tag"]
    page = jobs_page(client, **asked)
    assert [(drop.words, drop.finds) for drop in page.drops] == [("host:elsewhere", True), ("queue:high", False)]


def test_a_search_of_all_shows_what_has_not_ended_first(client: Client, redis: Redis, stores: Stores) -> None:
    collected(stores, run_record(time.time(), job_id="ended", terms=tagged("order:7")))
    waiting = queued(jobs.nothing)
    queued(jobs.nothing)
    redis.hset(f"rq:job:{waiting}", FIELD, tagged("order:7"))

    page = jobs_page(client, tag="order:7")

    assert ids(page) == [waiting, "ended"]
    assert [line.look.word for line in page.lines] == ["Waiting", "Finished"]


def test_waiting_jobs_show_their_tags_tenant_and_tries(client: Client, redis: Redis) -> None:
    job_id = queued(jobs.nothing)
    terms = tagged("order:7", tenant="t1")
    redis.hset(f"rq:job:{job_id}", mapping={FIELD: terms, ATTEMPT_FIELD: "2", "retries_left": "1"})

    [line] = jobs_page(client, state="waiting").lines

    assert [tag for tag, _ in line.tags] == ["order:7"]
    assert line.tenant == "t1"
    assert line.tries == "2 of 3"


def test_only_runs_whose_job_is_failed_now_can_be_acted_on(client: Client, redis: Redis, stores: Stores) -> None:
    now = time.time()
    job_id = failed(redis, jobs.fail)
    again = failed(redis, jobs.fail)
    stores.failed_jobs.retry([again], now=now)
    collected(
        stores,
        failed_record(now - 3, job_id="gone"),
        failed_record(now - 2, job_id=again),
        failed_record(now - 1, job_id=job_id),
    )

    page = jobs_page(client, state="failed")

    assert [(line.id, line.acts, line.now_is) for line in page.lines] == [
        (job_id, True, ""),
        (again, False, "waiting"),
        ("gone", False, ""),
    ]
    assert page.still_words == "1 job is failed now and can be retried"
    assert ids(client.get(page.still).context["page"]) == [job_id]


def test_a_collector_that_lags_is_named_and_redis_answers(client: Client, redis: Redis, stores: Stores) -> None:
    now = time.time()
    job_id = failed(redis, jobs.fail)
    collected(stores, failed_record(now - 900, job_id="old"))
    stores.client.xtrim("horizon:runs", maxlen=0)
    # The stream's clock cannot be set back, so the place is.
    late = int((now - 900) * 1000)
    Run.objects.update(id=late << 20)
    Collected.objects.update(position=f"{late}-0")
    add_runs(redis, failed_record(now, job_id=job_id))

    page = jobs_page(client, state="failed")
    lost = jobs_page(client, state="lost")

    assert ids(page) == [job_id]
    assert "History is 1 run and 15 min behind, and no collector runs" in page.notes[0]
    assert "This is what Redis still lists." in page.notes[0]
    # Of these Redis keeps no list: history is shown, with the same word of warning.
    assert ids(lost) == []
    assert "behind" in lost.notes[0]


def test_without_history_the_list_says_so_and_redis_answers(
    client: Client, redis: Redis, stores: Stores, settings: Any
) -> None:
    settings.HORIZON = {**settings.HORIZON, "history": False}
    job_id = failed(redis, jobs.fail)

    page = jobs_page(client, state="failed")

    assert ids(page) == [job_id]
    assert page.notes[0].startswith("History is switched off (HORIZON['history'])")


def test_an_id_of_a_job_that_redis_has_forgotten_leads_to_its_page(client: Client, stores: Stores) -> None:
    collected(stores, run_record(time.time(), job_id="long-gone-1"))

    answer = client.get(reverse("horizon:jobs"), {"q": "long-gone-1"})

    assert answer.headers["Location"] == reverse("horizon:job", kwargs={"job_id": "long-gone-1"})


def test_a_poll_gets_the_list_without_the_forms_and_asks_nothing_for_them(client: Client, stores: Stores) -> None:
    collected(stores, run_record(time.time(), terms=tagged("order:7")))
    queued(jobs.nothing)
    stores.alerts.show(0)
    address = reverse("horizon:jobs", query={"state": "waiting"})
    whole = client.get(address).content.decode()
    assert "<option" in whole
    assert "shop.orders.jobs.pay" in whole

    with CaptureQueriesContext(connection) as asked:
        polled = client.get(address, headers={"X-Horizon-Fragment": "1"}).content.decode()

    assert "<option" not in polled
    assert "nothing</a>" in polled
    # How many runs ended in which way, for the tabs.
    assert len(asked) == 1


def test_a_poll_finds_what_is_asked_for_by_a_part_of_its_name(client: Client, stores: Stores) -> None:
    collected(
        stores, run_record(time.time(), job_id="paid"), run_record(time.time(), name="shop.other", job_id="other")
    )

    address = reverse("horizon:jobs", query={"state": "finished", "func": "pay"})
    polled = client.get(address, headers={"X-Horizon-Fragment": "1"}).content.decode()

    assert 'href="/horizon/jobs/paid/"' in polled
    assert 'href="/horizon/jobs/other/"' not in polled


def test_a_poll_is_never_sent_elsewhere(client: Client, redis: Redis) -> None:
    job_id = queued(jobs.nothing)

    answer = client.get(reverse("horizon:jobs"), {"q": job_id}, headers={"X-Horizon-Fragment": "1"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {}, {"state": "waiting"}, {"state": "failed", "still": "yes"}, {"state": "failed"}, {"state": "all"},
        {"state": "all", "tag": "order:7", "run": ">1s"}, {"q": "pay nothing"}, {"state": "failed", "error": "Value"},
        {"state": "waiting", "func": "nothing"}, {"state": "finished", "-queue": "high"},
    ],
)  # fmt: skip
def test_a_page_costs_few_trips_and_queries_however_much_there_is(
    client: Client, redis: Redis, stores: Stores, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for _ in range(60):
        queued(jobs.nothing)
    job_ids = [failed(redis, jobs.fail) for _ in range(3)]
    runs = [run_record(now - number / 10, terms=tagged("order:7"), started_at=now - 9) for number in range(80)]
    collected(stores, *runs, *(failed_record(now, job_id=each) for each in job_ids))
    stores.alerts.show(0)
    client.get(reverse("horizon:health"))  # a new connection introduces itself first
    trips = trips_of(monkeypatch)

    with CaptureQueriesContext(connection) as asked:
        jobs_page(client, **query)

    assert len(trips) <= 6
    # Two more are those of a session and its user.
    assert len(asked) <= 6


@pytest.mark.parametrize(
    "query",
    [
        {"state": "all", "host": "elsewhere"}, {"state": "all", "-queue": "high", "attempt": ">1"},
        {"state": "all", "args.member_id": "7"}, {"state": "failed", "age": "<24h"}, {"state": "all", "age": "<24h"},
        {"state": "all", "tag": "order:7", "run": ">1s", "tenant": "77"}, {"state": "all", "q": "closed zebra"},
        {"state": "all", "tag": "order:7", "q": "closed zebra"}, {"state": "all", "host": "web-1", "-tag": "order:9"},
        {"state": "failed", "error": "Value", "host": "web-1"},
    ],
)  # fmt: skip
def test_terms_that_no_index_answers_cost_no_more_queries(
    client: Client, redis: Redis, stores: Stores, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    # More than a search may look at, with those that failed in the middle.
    for number in (1_000, 1_200):
        collected(stores, *(run_record(now - 1, terms=tagged("order:7")) for _ in range(number)))
        collected(stores, *(failed_record(now - 1) for _ in range(60)))
    monkeypatch.setattr(run_pages, "SEARCHED", 2_100)
    stores.alerts.show(0)
    client.get(reverse("horizon:health"))
    trips = trips_of(monkeypatch)

    with CaptureQueriesContext(connection) as asked:
        jobs_page(client, **query)

    assert len(trips) <= 6
    assert len(asked) <= 6, [each["sql"][:200] for each in asked]


def test_an_address_that_asks_for_how_long_jobs_waited_is_taken_as_a_term(client: Client, stores: Stores) -> None:
    answer = client.get(reverse("horizon:jobs"), {"state": "failed", "wait": ">10m", "patience": "long"})

    assert [term.key for term in answer.context["page"].query.terms] == ["state", "wait"]
