from __future__ import annotations

import json
import threading
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_httpserver import HTTPServer
from redis import Redis
from werkzeug import Request, Response

from allegro.webhooks import jobs, sending
from allegro.webhooks.failures import DeliveryFailed
from allegro.webhooks.models import Delivery, Endpoint, Event
from allegro.webhooks.publishing import publish
from allegro_queue import outbox
from allegro_queue.models import OutboxEntry
from allegro_queue.terms import decode_terms
from tests.support.burst import queued, work_off
from tests.support.hooks import a_delivery, an_endpoint
from tests.support.people import a_member, an_organization

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_new_endpoint_gets_a_ping_in_the_documented_form(redis: Redis, httpserver: HTTPServer):
    seen: list[tuple[dict[str, str], dict[str, Any]]] = []

    def take(request: Request) -> Response:
        seen.append((dict(request.headers.items()), json.loads(request.get_data())))
        return Response("thanks")

    httpserver.expect_request("/hook", method="POST").respond_with_handler(take)

    an_endpoint(an_organization(), httpserver.url_for("/hook"), description="Billing")
    assert work_off(redis, ["default"]) == []

    delivery = Delivery.objects.get()
    event = delivery.event
    headers, body = seen[0]
    assert len(seen) == 1
    assert headers == {
        "Host": f"localhost:{httpserver.port}",
        "Content-Type": "application/json",
        "Content-Length": headers["Content-Length"],
        "User-Agent": "Allegro-Webhooks",
        "X-Allegro-Event": "ping",
        "X-Allegro-Event-Id": str(event.pk),
        "X-Allegro-Delivery": str(delivery.pk),
        # Not among the documented ones: this port's own.
        "Webhook-Id": str(event.pk),
        "Webhook-Timestamp": headers["Webhook-Timestamp"],
        "Webhook-Signature": headers["Webhook-Signature"],
    }
    assert list(body) == ["id", "event", "created_at", "data"]
    assert body["id"] == str(event.pk)
    assert body["event"] == "ping"
    assert body["created_at"] == event.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert body["data"] == {"description": "Billing"}
    assert (delivery.state, delivery.status_code, delivery.response_excerpt) == ("succeeded", 200, "thanks")
    assert delivery.attempted_at is not None


def test_a_new_member_is_told_of_with_the_data_as_it_was_then(redis: Redis, httpserver: HTTPServer):
    httpserver.expect_request("/hook").respond_with_data("")
    news = an_organization()
    an_endpoint(news, httpserver.url_for("/hook"))
    redis.flushall()

    member = a_member(news, name="Ada")
    member.name = "Changed before the job ran"
    member.save()
    work_off(redis)

    body = json.loads(httpserver.log[0][0].get_data())
    assert body["event"] == "audience_member.created"
    assert body["data"]["id"] == str(member.pk)
    assert body["data"]["name"] == "Ada"
    assert body["data"]["email_verified"] is False


def test_a_change_that_is_rolled_back_is_told_to_nobody(redis: Redis):
    news = an_organization()
    an_endpoint(news, "http://hook.invalid/")
    redis.flushall()

    with pytest.raises(RuntimeError), transaction.atomic():
        a_member(news)
        raise RuntimeError

    assert not Event.objects.filter(type="audience_member.created").exists()
    assert queued(redis, "default") == []


def test_each_endpoint_that_wants_an_event_gets_a_job_of_its_own(redis: Redis):
    news = an_organization()
    wanting = an_endpoint(news, "http://one.invalid/", all_events=False, events=["audience_member.created"])
    an_endpoint(news, "http://two.invalid/", all_events=False, events=["something.else"])
    an_endpoint(news, "http://three.invalid/", active=False)
    everything = an_endpoint(news, "http://four.invalid/")
    an_endpoint(an_organization("elsewhere"), "http://five.invalid/")
    redis.flushall()

    event = publish(news, "audience_member.created", {})

    deliveries = Delivery.objects.filter(event=event)
    assert {each.endpoint for each in deliveries} == {wanting, everything}
    assert {args for _, args in queued(redis, "default")} == {(str(each.pk),) for each in deliveries}


@pytest.mark.parametrize("status", [301, 302, 400, 404, 410, 429, 500, 503])
def test_an_answer_other_than_2xx_fails_the_job_and_is_recorded(redis: Redis, httpserver: HTTPServer, status: int):
    httpserver.expect_request("/hook").respond_with_data("no\0 " + "x" * 600, status=status, headers={"Location": "/"})
    delivery = a_delivery(httpserver.url_for("/hook"))

    failed = work_off(redis, ["default"])

    delivery.refresh_from_db()
    assert [job.func_name for job in failed] == ["allegro.webhooks.jobs.deliver"]
    assert (delivery.state, delivery.status_code) == ("failed", status)
    assert delivery.error == f"The endpoint answered {status}; only a 2xx answer counts as received."
    assert delivery.response_excerpt == ("no " + "x" * 600)[:500]
    assert [request.path for request, _ in httpserver.log] == ["/hook"]


def test_an_endpoint_that_never_answers_fails_at_the_deadline(httpserver: HTTPServer, release, monkeypatch):
    def dawdle(request: Request) -> Response:
        release.wait(10)
        return Response("")

    monkeypatch.setattr(sending, "DELIVERY_SECONDS", 0.3)
    httpserver.expect_request("/hook").respond_with_handler(dawdle)
    delivery = a_delivery(httpserver.url_for("/hook"))

    with pytest.raises(DeliveryFailed, match=r"did not answer within 0.3 s"):
        jobs.deliver(str(delivery.pk))

    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert 300 <= delivery.duration_ms < 3000


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1:{port}/", "127.0.0.1 is at a private address"),
        ("https://localhost:{port}/", "localhost is at a private address"),
        ("https://[::ffff:127.0.0.1]:{port}/", "is at a private address"),
        ("http://127.0.0.1:{port}/", "must begin with https://"),
    ],
)
def test_a_private_target_is_refused_outside_local(httpserver: HTTPServer, settings, url: str, reason: str):
    delivery = a_delivery(url.format(port=httpserver.port))
    settings.IS_LOCAL = False

    with pytest.raises(DeliveryFailed, match=reason):
        jobs.deliver(str(delivery.pk))

    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert reason in delivery.error
    assert httpserver.log == []


def test_what_was_delivered_is_not_delivered_again(httpserver: HTTPServer):
    httpserver.expect_request("/hook").respond_with_data("")
    delivery = a_delivery(httpserver.url_for("/hook"))

    assert jobs.deliver(str(delivery.pk)) == "delivered: 200"
    assert jobs.deliver(str(delivery.pk)) == "skipped: the delivery is succeeded"
    assert len(httpserver.log) == 1


def test_an_endpoint_that_was_switched_off_meanwhile_gets_nothing_and_keeps_its_history(httpserver: HTTPServer):
    delivery = a_delivery(httpserver.url_for("/hook"))
    Endpoint.objects.update(active=False)

    assert jobs.deliver(str(delivery.pk)) == "skipped: the endpoint was switched off"

    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == ("failed", "The endpoint was switched off.")
    assert httpserver.log == []


def test_what_redis_cannot_take_waits_in_the_outbox_and_does_not_undo_the_change(redis_away):
    news = an_organization()
    an_endpoint(news, "http://hook.invalid/")

    ada = a_member(news)

    assert news.members.count() == 1
    assert OutboxEntry.objects.count() == 2
    endpoint = news.webhook_endpoints.get()
    assert decode_terms(OutboxEntry.objects.last().terms).tags == (
        f"organization:{news.pk}",
        f"webhook:{endpoint.pk}",
        "event:audience_member.created",
        f"member:{ada.pk}",
    )
    assert {each.tenant for each in OutboxEntry.objects.all()} == {str(news.pk)}
    assert Delivery.objects.filter(state="pending").count() == 2


def test_a_full_outbox_does_not_undo_the_change_and_what_it_could_not_take_is_queued_later(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    news = an_organization()
    an_endpoint(news, "http://hook.invalid/")
    redis.flushall()
    monkeypatch.setattr(outbox, "MOST_WAITING", 0)
    OutboxEntry.objects.create(name="x", held_until=timezone.now() + timedelta(days=1))

    member = a_member(news)

    monkeypatch.undo()
    assert queued(redis, "default") == []
    Delivery.objects.filter(event__data__id=str(member.pk)).update(due_at=timezone.now())
    assert jobs.queue_due_deliveries() == 1
    assert jobs.queue_due_deliveries() == 0
    assert [name for name, _ in queued(redis, "default")] == ["allegro.webhooks.jobs.deliver"]


def test_a_sixth_endpoint_is_refused(redis: Redis):
    news = an_organization()
    for number in range(5):
        an_endpoint(news, f"http://hook-{number}.invalid/")

    with pytest.raises(ValidationError, match="at most 5 webhook endpoints"):
        Endpoint(organization=news, url="http://hook-6.invalid/").full_clean()
    with pytest.raises(ValidationError, match="at most 5 webhook endpoints"):
        an_endpoint(news, "http://hook-6.invalid/")

    news.webhook_endpoints.first().delete()
    an_endpoint(news, "http://hook-6.invalid/")
    assert news.webhook_endpoints.count() == 5


@pytest.mark.parametrize("slot", [0, 1, 6])
def test_the_database_itself_holds_the_limit(redis: Redis, slot: int):
    news = an_organization()
    an_endpoint(news, "http://hook.invalid/")

    with pytest.raises(IntegrityError):
        an_endpoint(news, "http://hook-2.invalid/", slot=slot)


def test_of_many_at_once_five_find_a_place(redis: Redis):
    news = an_organization()
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        barrier.wait(10)
        try:
            an_endpoint(news, f"http://hook-{number}.invalid/", active=False)
            outcomes.append("made")
        except ValidationError:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(outcomes) == ["made"] * 5 + ["refused"] * 3
    assert sorted(news.webhook_endpoints.values_list("slot", flat=True)) == [1, 2, 3, 4, 5]


def test_events_of_before_are_led_to_the_members_whom_their_data_names():
    ada = a_member(an_organization())
    gone = Event.objects.create(
        organization=ada.organization, type="audience_member.created", data={"id": str(uuid4())}
    )
    Event.objects.update(member=None)

    import_module("allegro.webhooks.migrations.0004_events_about_members").find_members(apps, None)

    assert Event.objects.exclude(pk=gone.pk).get().member == ada
    assert Event.objects.get(pk=gone.pk).member is None
