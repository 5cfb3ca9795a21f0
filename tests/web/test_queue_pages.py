"""The pages of queues, and what can be done to all that waits in one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from allegro_queue.bulk.models import BulkRun
from allegro_queue.dispatch import dispatch
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pauses import Pause
from allegro_queue.workers.child import make_worker
from tests.support import jobs, scenes
from tests.support.runs import collected, failed_record, run_record

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]


def page_of(client: Client, queue: str) -> str:
    answer = client.get(reverse("horizon:queue", kwargs={"queue": queue}))
    assert answer.status_code == 200
    return answer.content.decode()


def test_all_queues_stand_in_the_order_of_priority_and_lead_to_their_pages(client: Client, stores: Stores):
    scenes.busy_system(stores, time.time())

    text = client.get(reverse("horizon:queues")).content.decode()

    places = [text.index(f'href="{reverse("horizon:queue", kwargs={"queue": name})}"') for name in QUEUES]
    assert places == sorted(places)


def test_a_queue_without_workers_says_so_and_what_to_type(client: Client, stores: Stores):
    dispatch(jobs.nothing)

    text = page_of(client, "default")

    assert "No worker listens. 1 job waits." in text
    assert "python manage.py rqworker default" in text


def test_a_paused_queue_says_how_long_it_needs_once_resumed(client: Client, stores: Stores):
    now = time.time()
    scenes.busy_system(stores, now)
    stores.pauses.pause(Pause(queue="audience-sync", since=now, until=None, by="ada", reason="maintenance"))

    page = client.get(reverse("horizon:queue", kwargs={"queue": "audience-sync"})).context["page"]

    assert page.sentence.startswith("24 jobs wait behind the pause; resumed now, they need about ")
    assert page.sub.startswith("An estimate: ")
    assert page.tone == "warn"


def test_a_queue_that_does_not_exist_is_not_found_in_words(client: Client, stores: Stores):
    answer = client.get(reverse("horizon:queue", kwargs={"queue": "nix"}))

    assert answer.status_code == 404
    assert "There is no queue of this name." in answer.content.decode()


def test_a_queue_is_paused_from_its_page(client: Client, stores: Stores):
    address = reverse("horizon:queue", kwargs={"queue": "default"})
    given = {"queue": "default", "minutes": "15", "reason": "deploy", "next": address}

    answer = client.post(reverse("horizon:pause"), given)

    assert answer["Location"] == address
    assert stores.pauses.current(time.time())["default"].reason == "deploy"


def test_emptying_takes_the_queues_name_and_deletes_what_waits(client: Client, stores: Stores):
    dispatch(jobs.nothing)
    dispatch(jobs.urgent)

    given = {"queue": "default", "reason": "sent twice"}
    client.post(reverse("horizon:empty"), {**given, "typed": "yes"})
    client.post(reverse("horizon:empty"), {**given, "typed": "default", "reason": " "})
    assert stores.jobs.lengths(QUEUES)["default"] == 1

    client.post(reverse("horizon:empty"), {**given, "typed": "default"})
    assert stores.jobs.lengths(QUEUES) == {"high": 1, "default": 0, "audience-sync": 0}


def test_an_emptied_queue_comes_back_as_it_stood(client: Client, stores: Stores):
    ids = [dispatch(jobs.nothing) for _ in range(4)]
    given = {"queue": "default", "typed": "default", "reason": "by mistake"}
    page = client.post(reverse("horizon:empty"), given, follow=True)
    assert "Undo: restore 4 jobs" in page.content.decode()

    client.post(reverse("horizon:undo_run"), {"run": page.context["page"].run.pk})

    assert [row.id for row in stores.jobs.page(State.WAITING, ["default"])[0]] == ids


def test_what_comes_after_the_question_is_not_swept_in(client: Client, stores: Stores):
    dispatch(jobs.nothing)
    asked = client.get(reverse("horizon:confirm_empty"), {"queue": "default"}).context["page"]
    later = dispatch(jobs.nothing)

    given = {"queue": "default", "typed": "default", "reason": "x", "failed_until": repr(asked.asked_at)}
    client.post(reverse("horizon:empty"), given)

    assert [row.id for row in stores.jobs.page(State.WAITING, ["default"])[0]] == [later]


def test_a_moved_queue_is_moved_back_as_far_as_it_still_waits(client: Client, stores: Stores):
    ids = [dispatch(jobs.nothing) for _ in range(3)]
    page = client.post(reverse("horizon:move"), {"queue": "default", "to": "high"}, follow=True)
    worker = make_worker(["high"], name="here.1.abcd")
    assert worker is not None
    worker.work(burst=True, max_jobs=1)
    run = BulkRun.objects.get().pk
    assert "Undo: move 3 jobs back" in client.get(reverse("horizon:run", kwargs={"run": run})).content.decode()

    client.post(reverse("horizon:undo_run"), {"run": run})

    assert page.status_code == 200
    assert [row.id for row in stores.jobs.page(State.WAITING, ["default"])[0]] == ids[1:]


def test_moved_jobs_keep_their_order_and_run_from_the_other_queue(client: Client, stores: Stores):
    ids = [dispatch(jobs.nothing) for _ in range(3)]
    first = dispatch(jobs.urgent)

    answer = client.post(reverse("horizon:move"), {"queue": "default", "to": "high"}, follow=True)

    assert "Moved 3 jobs to high." in answer.content.decode()
    assert [row.id for row in stores.jobs.page(State.WAITING, ["high"])[0]] == [first, *ids]
    worker = make_worker(["high"], name="here.1.abcd")
    assert worker is not None
    worker.work(burst=True)
    assert {stores.jobs.rows([each])[0].queue for each in ids} == {"high"}
    assert {stores.jobs.rows([each])[0].status for each in ids} == {"finished"}


@pytest.mark.parametrize(
    ("queue", "to"), [("default", "default"), ("nix", "high"), ("default", "nix"), ("default", "")]
)
def test_a_move_that_makes_no_sense_moves_nothing(client: Client, stores: Stores, queue: str, to: str):
    dispatch(jobs.nothing)

    answer = client.post(reverse("horizon:move"), {"queue": queue, "to": to}, follow=True)

    assert "nothing was moved" in answer.content.decode()
    assert stores.jobs.lengths(QUEUES)["default"] == 1


@pytest.mark.parametrize("name", ["confirm_empty", "confirm_move"])
def test_the_step_before_says_how_many_and_changes_nothing(client: Client, stores: Stores, name: str):
    dispatch(jobs.nothing)

    text = client.get(reverse(f"horizon:{name}"), {"queue": "default"}).content.decode()
    nothing = client.get(reverse(f"horizon:{name}"), {"queue": "high"}).content.decode()

    assert "1 waiting job" in text
    assert "Nothing waits in high." in nothing
    assert stores.jobs.lengths(QUEUES)["default"] == 1


def test_a_queue_shows_how_long_its_jobs_waited_and_what_took_the_time(client: Client, stores: Stores):
    now = time.time()
    slow = [run_record(now - 60 * place, name="shop.jobs.slow", started_at=now - 60 * place - 5) for place in range(3)]
    other = [run_record(now - 90, name="shop.jobs.quick") for _ in range(4)]
    elsewhere = run_record(now - 60, name="shop.jobs.elsewhere", queue="high", started_at=now - 600)
    long_ago = run_record(now - 7_000, name="shop.jobs.old", started_at=now - 7_500)
    collected(stores, *slow, *other, elsewhere, long_ago, failed_record(now - 30, name="shop.jobs.quick"))

    page = client.get(reverse("horizon:queue", kwargs={"queue": "default"})).context["page"]

    assert [(each.name, each.runs, each.failed) for each in page.functions.rows] == [
        ("shop.jobs.slow", 3, 0),
        ("shop.jobs.quick", 5, 1),
    ]
    assert page.functions.rows[0].seconds == pytest.approx(15, abs=0.1)
    assert "p95" in page.wait.drawing
    assert page.wait.sentence.startswith("Wait, 95 of 100 within: ")


def test_who_paused_a_queue_and_resumed_it_stands_on_its_charts(client: Client, stores: Stores):
    scenes.quiet_system(stores, time.time())
    client.post(reverse("horizon:pause"), {"queue": "default", "reason": "x"})
    client.post(reverse("horizon:pause"), {"queue": "high", "reason": "x"})
    client.post(reverse("horizon:resume"), {"queue": "default"})

    page = client.get(reverse("horizon:queue", kwargs={"queue": "default"})).context["page"]

    for drawing in (page.hour, page.wait.drawing):
        assert drawing.count("hz-mark-pause") == 2
        assert "paused by somebody on this" in drawing


def test_the_page_of_a_queue_costs_a_fixed_number_of_queries(
    client: Client, stores: Stores, django_assert_max_num_queries: Any
):
    scenes.busy_system(stores, time.time())

    with django_assert_max_num_queries(8):
        client.get(reverse("horizon:queue", kwargs={"queue": "default"}))
