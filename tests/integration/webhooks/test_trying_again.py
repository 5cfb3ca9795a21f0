from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_httpserver import HTTPServer
from redis import Redis
from werkzeug import Request, Response

from allegro import breaker
from allegro.webhooks import jobs, sending
from allegro.webhooks.events import timestamp
from allegro.webhooks.failures import DeliveryFailed
from allegro.webhooks.holding import breaker_of
from allegro.webhooks.models import Attempt, Breaker, Delivery, Endpoint, Event
from allegro.webhooks.publishing import publish
from allegro.webhooks.redelivery import redeliver
from tests.support.burst import queued, work_off
from tests.support.dead_server import a_dead_server
from tests.support.hooks import a_delivery, an_endpoint
from tests.support.people import an_organization

pytestmark = pytest.mark.django_db(transaction=True)


def attempt(delivery: Delivery) -> Delivery:
    """Run the delivery's job; what became of it."""
    with suppress(DeliveryFailed):
        jobs.deliver(str(delivery.pk))
    delivery.refresh_from_db()
    return delivery


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with a_dead_server() as server:
        yield server.port


def test_unless_asked_for_nothing_is_tried_again(redis: Redis, httpserver: HTTPServer):
    httpserver.expect_request("/hook").respond_with_data("", status=500)
    delivery = attempt(a_delivery(httpserver.url_for("/hook")))

    assert (delivery.state, delivery.tries, delivery.due_at) == ("failed", 1, None)
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert jobs.queue_due_deliveries() == 0


def test_where_asked_for_it_is_tried_again_with_the_schedules_pauses_until_they_end(
    redis: Redis, httpserver: HTTPServer, settings: Any
):
    settings.WEBHOOK_RETRY_SECONDS = [60, 300]
    httpserver.expect_request("/hook").respond_with_data("", status=500)
    delivery = a_delivery(httpserver.url_for("/hook"), retry=True)
    redis.flushall()

    pauses = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        attempt(delivery)
        for _ in range(2):
            pauses.append((delivery.due_at - timezone.now()).total_seconds())
            clock.move_to(delivery.due_at - timedelta(seconds=1))
            assert jobs.queue_due_deliveries() == 0
            clock.move_to(delivery.due_at)
            assert jobs.queue_due_deliveries() == 1
            assert [job.func_name for job in work_off(redis, ["default"])][-1] == "allegro.webhooks.jobs.deliver"
            delivery.refresh_from_db()

    assert pauses == [60, 300]
    assert (delivery.state, delivery.tries, delivery.due_at) == ("failed", 3, None)
    assert Attempt.objects.count() == 3
    assert len({request.headers["X-Allegro-Delivery"] for request, _ in httpserver.log}) == 1


def test_a_later_try_that_is_answered_delivers(redis: Redis, httpserver: HTTPServer):
    httpserver.expect_ordered_request("/hook").respond_with_data("", status=500)
    httpserver.expect_ordered_request("/hook").respond_with_data("ok")
    delivery = a_delivery(httpserver.url_for("/hook"), retry=True)

    assert attempt(delivery).state == "pending"
    assert attempt(delivery).state == "succeeded"
    assert (delivery.due_at, delivery.error) == (None, "")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_heeded_by_every_delivery_of_the_endpoint_up_to_an_hour(
    redis: Redis, httpserver: HTTPServer, status: int
):
    httpserver.expect_request("/hook").respond_with_data("", status=status, headers={"Retry-After": "900"})
    delivery = a_delivery(httpserver.url_for("/hook"), retry=True)
    with time_machine.travel(timezone.now(), tick=False):
        attempt(delivery)
        assert delivery.due_at == timezone.now() + timedelta(seconds=900)
        event = publish(delivery.endpoint.organization, "audience_member.created", {})
        other = event.deliveries.get()

        held = jobs.deliver(str(other.pk))

        assert held.startswith(f"held back until {timestamp(delivery.due_at)}")
        assert len(httpserver.log) == 1
    with time_machine.travel(timezone.now() + timedelta(seconds=901)):
        attempt(other)
    assert len(httpserver.log) == 2


def test_410_switches_the_endpoint_off_and_says_so(redis: Redis, httpserver: HTTPServer):
    httpserver.expect_request("/hook").respond_with_data("", status=410)
    delivery = attempt(a_delivery(httpserver.url_for("/hook"), retry=True))

    endpoint = Endpoint.objects.get()
    assert not endpoint.active
    assert "410" in endpoint.switched_off_because
    assert delivery.state == "failed"
    publish(endpoint.organization, "audience_member.created", {})
    assert Delivery.objects.count() == 1


def test_a_host_that_is_silent_three_times_is_left_alone_and_then_tried_by_one(
    redis: Redis, silent_port: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sending, "DELIVERY_SECONDS", 0.1)
    news = an_organization()
    endpoint = an_endpoint(news, f"http://127.0.0.1:{silent_port}/hook")
    for _ in range(9):
        publish(news, "audience_member.created", {})
    deliveries = list(Delivery.objects.filter(event__type="audience_member.created"))

    with time_machine.travel(timezone.now(), tick=True) as clock:
        outcomes = [attempt(each) for each in deliveries]
        assert [each.tries for each in outcomes] == [1, 1, 1, 0, 0, 0, 0, 0, 0]
        assert {each.state for each in outcomes[3:]} == {"pending"}
        row = Breaker.objects.get()
        assert row.silent_at is not None
        assert row.open_until == row.silent_at + timedelta(minutes=1)

        clock.move_to(row.open_until)
        assert [attempt(each).tries for each in deliveries[3:]] == [1, 0, 0, 0, 0, 0]
        row.refresh_from_db()
        assert row.open_until == row.silent_at + timedelta(minutes=2)

        # It is up again.
        clock.move_to(row.open_until)
        with HTTPServer(host="127.0.0.1") as server:
            server.expect_request("/hook").respond_with_data("")
            monkeypatch.setattr(Endpoint, "host", property(lambda self: f"127.0.0.1:{silent_port}"))
            Endpoint.objects.filter(pk=endpoint.pk).update(url=server.url_for("/hook"))
            assert [attempt(each).state for each in deliveries[4:]] == ["succeeded"] * 5
        assert Breaker.objects.get().silences == 0


def test_tries_that_meet_one_silence_together_count_once(redis: Redis):
    news = an_organization()
    with a_dead_server() as server:
        host = f"127.0.0.1:{server.port}"
        an_endpoint(news, f"http://{host}/hook")
        for _ in range(4):
            publish(news, "audience_member.created", {})
        # It answered a moment ago, so all of them try it.
        breaker.note_answer(breaker_of(news.pk, host), timezone.now())

        def send(delivery: Delivery) -> None:
            attempt(delivery)
            connection.close()

        threads = [threading.Thread(target=send, args=(each,)) for each in Delivery.objects.all()]
        for thread in threads:
            thread.start()
        server.hang_up_on(5)
        for thread in threads:
            thread.join(30)

    assert Delivery.objects.filter(state="failed").count() == 5
    row = Breaker.objects.get()
    assert (row.silences, row.open_until) == (1, None)


def test_who_met_the_same_silence_and_says_so_later_lets_nobody_else_through():
    one = breaker_of(an_organization().pk, "hook.example")
    begun = timezone.now()
    breaker.note_silence(one, begun, begun + timedelta(seconds=10))
    assert breaker.let_through(one, begun + timedelta(seconds=11)) is None

    breaker.note_silence(one, begun + timedelta(seconds=1), begun + timedelta(seconds=12))

    row = one.get()
    assert row.silences == 1
    assert row.open_until == begun + timedelta(seconds=11) + breaker.PROBE


def test_an_answer_however_bad_does_not_open_the_breaker(redis: Redis, httpserver: HTTPServer):
    httpserver.expect_request("/hook").respond_with_data("", status=500)
    news = an_organization()
    an_endpoint(news, httpserver.url_for("/hook"))
    for _ in range(5):
        publish(news, "audience_member.created", {})

    assert [attempt(each).tries for each in Delivery.objects.all()] == [1] * 6


def test_one_organizations_breaker_holds_back_no_other(redis: Redis, httpserver: HTTPServer):
    httpserver.expect_request("/hook").respond_with_data("")
    delivery = a_delivery(httpserver.url_for("/hook"))
    elsewhere = an_organization("elsewhere")
    for _ in range(9):
        breaker.note_silence(breaker_of(elsewhere.pk, delivery.endpoint.host), timezone.now(), timezone.now())

    assert breaker.let_through(breaker_of(elsewhere.pk, delivery.endpoint.host), timezone.now()) is not None
    assert attempt(delivery).state == "succeeded"


def test_of_many_who_ask_after_a_rest_one_goes_through(redis: Redis):
    news = an_organization()
    for _ in range(3):
        breaker.note_silence(breaker_of(news.pk, "hook.example"), timezone.now(), timezone.now())
    later = timezone.now() + timedelta(minutes=2)
    barrier = threading.Barrier(6)
    through: list[bool] = []

    def ask() -> None:
        barrier.wait(10)
        through.append(breaker.let_through(breaker_of(news.pk, "hook.example"), later) is None)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(through) == [False] * 5 + [True]


def test_a_host_that_never_answered_holds_one_worker_and_the_others_go_once_it_answers(
    redis: Redis, httpserver: HTTPServer
):
    let_go, asked = threading.Event(), threading.Event()

    def slowly(request: Request) -> Response:
        asked.set()
        let_go.wait(10)
        return Response("")

    httpserver.expect_request("/hook").respond_with_handler(slowly)
    news = an_organization()
    an_endpoint(news, httpserver.url_for("/hook"))
    for _ in range(4):
        publish(news, "audience_member.created", {})
    first, *others = Delivery.objects.order_by("queued_at")
    redis.flushall()

    def run() -> None:
        jobs.deliver(str(first.pk))
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert asked.wait(10)
    held = [jobs.deliver(str(each.pk)) for each in others]
    assert all(each.startswith("held back until") for each in held)
    assert queued(redis, "default") == []
    let_go.set()
    thread.join(10)

    assert [args for _, args in queued(redis, "default")] == [(str(each.pk),) for each in others]
    work_off(redis, ["default"])
    assert Delivery.objects.filter(state="succeeded").count() == 5
    # It is known to be up now: nobody waits for anybody.
    publish(news, "audience_member.created", {})
    assert breaker.let_through(breaker_of(news.pk, others[0].endpoint.host), timezone.now()) is None
    assert breaker.let_through(breaker_of(news.pk, others[0].endpoint.host), timezone.now()) is None


def test_five_hundred_deliveries_to_a_dead_endpoint_hold_up_nobody(
    redis: Redis, silent_port: int, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sending, "DELIVERY_SECONDS", 0.2)
    httpserver.expect_request("/hook").respond_with_data("")
    dead, alive = an_organization("dead"), an_organization("alive")
    an_endpoint(dead, f"http://127.0.0.1:{silent_port}/")
    an_endpoint(alive, httpserver.url_for("/hook"))
    for _ in range(500):
        publish(dead, "audience_member.created", {})
    last = publish(alive, "audience_member.created", {}).deliveries.get()

    started = time.monotonic()
    failed = work_off(redis, ["default"])
    took = time.monotonic() - started

    last.refresh_from_db()
    assert last.state == "succeeded"
    assert len(failed) == 3
    assert Delivery.objects.filter(endpoint__organization=dead, state="pending", tries=0).count() == 498
    # Each in its turn would have waited for its own deadline, which are 100 s; a loaded machine takes a while for 500 jobs.
    assert took < 80


def test_a_delivery_held_back_for_a_day_fails_untried(redis: Redis):
    delivery = a_delivery("http://hook.invalid/")
    later = timezone.now() + timedelta(hours=25)
    Breaker.objects.create(
        organization=delivery.endpoint.organization,
        host="hook.invalid",
        silences=9,
        open_until=later + timedelta(hours=1),
    )

    with time_machine.travel(later):
        attempt(delivery)

    assert (delivery.state, delivery.tries) == ("failed", 0)
    assert delivery.error == "Not tried: hook.invalid has not answered for 24 hours."


@pytest.mark.parametrize(("retry", "state"), [(False, "failed"), (True, "pending")])
def test_a_delivery_whose_worker_died_is_never_sent_again_unless_asked_for(
    redis: Redis, httpserver: HTTPServer, retry: bool, state: str
):
    delivery = a_delivery(httpserver.url_for("/hook"), retry=retry)
    assert jobs.claim(delivery, timezone.now())
    assert jobs.deliver(str(delivery.pk)) == "skipped: the delivery is sending"
    redis.flushall()

    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert jobs.queue_due_deliveries() == 1
        work_off(redis, ["default"])

    delivery.refresh_from_db()
    assert delivery.state == state
    assert delivery.error == "The worker died while it sent this; whether the endpoint has it is not known."
    assert httpserver.log == []


def test_several_jobs_for_one_delivery_send_it_once(redis: Redis, httpserver: HTTPServer):
    others_are_through = threading.Event()
    waited: list[bool] = []

    def while_the_others_ask(request: Request) -> Response:
        waited.append(others_are_through.wait(20))
        return Response("")

    httpserver.expect_request("/hook").respond_with_handler(while_the_others_ask)
    delivery = a_delivery(httpserver.url_for("/hook"))
    # A host that is known to be up: nobody waits for it.
    breaker.note_answer(breaker_of(delivery.endpoint.organization_id, delivery.endpoint.host), timezone.now())
    said: list[str] = []

    def run() -> None:
        said.append(jobs.deliver(str(delivery.pk)))
        if len(said) == 3:
            others_are_through.set()
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert waited == [True]
    assert len(httpserver.log) == 1
    assert sorted(each.split(":")[0] for each in said) == ["delivered", "skipped", "skipped", "skipped"]


def test_a_delivery_is_queued_again_by_hand_with_its_ids_and_data(redis: Redis, httpserver: HTTPServer):
    httpserver.expect_request("/hook").respond_with_data("")
    delivery = attempt(a_delivery(httpserver.url_for("/hook")))
    redis.flushall()

    assert redeliver([str(delivery.pk)], timezone.now()) == 1
    assert redeliver([str(delivery.pk)], timezone.now()) == 0
    assert queued(redis, "default") == [("allegro.webhooks.jobs.deliver", (str(delivery.pk),))]
    work_off(redis)

    (first, _), (second, _) = httpserver.log
    assert first.get_data() == second.get_data()
    assert first.headers["X-Allegro-Delivery"] == second.headers["X-Allegro-Delivery"]
    assert delivery.attempts.count() == 2
    Endpoint.objects.update(active=False)
    assert redeliver([str(delivery.pk)], timezone.now()) == 0


def test_events_are_forgotten_after_their_days_with_all_that_belongs_to_them(
    redis: Redis, httpserver: HTTPServer, settings: Any
):
    httpserver.expect_request("/hook").respond_with_data("")
    old = attempt(a_delivery(httpserver.url_for("/hook")))
    Event.objects.update(created_at=timezone.now() - timedelta(days=settings.WEBHOOK_HISTORY_DAYS, seconds=1))
    young = publish(old.endpoint.organization, "audience_member.created", {})
    long_ago = timezone.now() - timedelta(days=31)
    Breaker.objects.create(organization=old.endpoint.organization, host="former.example", answered_at=long_ago)

    assert jobs.forget_old_events() == 1
    assert [row.host for row in Breaker.objects.all()] == [old.endpoint.host]

    assert list(Event.objects.all()) == [young]
    assert not Attempt.objects.exists()
    assert Delivery.objects.get().event == young
