"""What we sign, as the scheme's own library receives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_httpserver import HTTPServer
from redis import Redis
from standardwebhooks import Webhook, WebhookVerificationError

from allegro.webhooks import jobs
from allegro.webhooks.models import Delivery, Endpoint
from tests.support.hooks import a_delivery

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def delivery(redis: Redis, httpserver: HTTPServer) -> Delivery:
    httpserver.expect_request("/hook").respond_with_data("")
    return a_delivery(httpserver.url_for("/hook"), description="Zoë’s ✓")


def received(httpserver: HTTPServer) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the latest request."""
    request = httpserver.log[-1][0]
    return request.get_data(), dict(request.headers.items())


def send(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(state="pending")
    jobs.deliver(str(delivery.pk))


def secret_of(delivery: Delivery) -> str:
    return Endpoint.objects.get(pk=delivery.endpoint_id).secrets_in_force(timezone.now())[0]


def test_the_reference_receiver_accepts_a_delivery(delivery: Delivery, httpserver: HTTPServer):
    send(delivery)

    body, headers = received(httpserver)
    assert Webhook(secret_of(delivery)).verify(body, headers)["data"] == {"description": "Zoë’s ✓"}
    assert headers["Webhook-Id"] == str(delivery.event_id)


def altered(name: str, change: Callable[[str], str]) -> Callable[[bytes, dict[str, str]], tuple[bytes, dict[str, str]]]:
    return lambda body, headers: (body, {**headers, name: change(headers[name])})


@pytest.mark.parametrize(
    "alter",
    [
        lambda body, headers: (body[:-1] + b" }", headers),
        lambda body, headers: (body.replace(b"ping", b"pinG"), headers),
        altered("Webhook-Id", lambda value: value[:-1] + ("0" if value[-1] != "0" else "1")),
        altered("Webhook-Timestamp", lambda value: str(int(value) + 1)),
        altered("Webhook-Signature", lambda value: value.replace("v1,", "v1a,")),
        altered("Webhook-Signature", lambda value: "v1," + "A" * 43 + "="),
        altered("Webhook-Signature", lambda value: ""),
    ],
    ids=["longer body", "other body", "other id", "other time", "other version", "other signature", "no signature"],
)
def test_the_reference_receiver_refuses_each_altered_form(delivery: Delivery, httpserver: HTTPServer, alter):
    send(delivery)
    receiver = Webhook(secret_of(delivery))
    receiver.verify(*received(httpserver))

    with pytest.raises(WebhookVerificationError):
        receiver.verify(*alter(*received(httpserver)))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_the_reference_receiver_refuses_what_is_old_or_of_the_future(
    delivery: Delivery, httpserver: HTTPServer, minutes: int
):
    send(delivery)

    with (
        time_machine.travel(timezone.now() + timedelta(minutes=minutes)),
        pytest.raises(WebhookVerificationError, match="timestamp too"),
    ):
        Webhook(secret_of(delivery)).verify(*received(httpserver))


def test_the_secret_of_another_endpoint_does_not_open_it(delivery: Delivery, httpserver: HTTPServer):
    other = Endpoint.objects.create(organization=delivery.endpoint.organization, url="http://two.invalid/")
    send(delivery)

    with pytest.raises(WebhookVerificationError):
        Webhook(other.secrets_in_force(timezone.now())[0]).verify(*received(httpserver))


def test_while_a_secret_is_changed_the_old_and_the_new_one_open_it_and_then_the_new_one_alone(
    delivery: Delivery, httpserver: HTTPServer
):
    old = secret_of(delivery)
    new = delivery.endpoint.renew_secret(timezone.now())

    send(delivery)
    Webhook(old).verify(*received(httpserver))
    Webhook(new).verify(*received(httpserver))

    Endpoint.objects.update(former_secret_until=timezone.now())
    send(delivery)
    Webhook(new).verify(*received(httpserver))
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(*received(httpserver))


def test_each_try_of_a_delivery_has_the_same_ids_and_its_own_time(delivery: Delivery, httpserver: HTTPServer):
    send(delivery)
    first = received(httpserver)[1]
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        send(delivery)
    second = received(httpserver)[1]

    for name in ("Webhook-Id", "X-Allegro-Event-Id", "X-Allegro-Delivery"):
        assert first[name] == second[name]
    assert int(second["Webhook-Timestamp"]) >= int(first["Webhook-Timestamp"]) + 600


def test_a_secret_is_stored_sealed_and_is_in_no_job(delivery: Delivery, redis: Redis):
    secret = secret_of(delivery)

    row = Endpoint.objects.filter(pk=delivery.endpoint_id).values().get()
    assert secret.startswith("whsec_")
    assert not any(secret.removeprefix("whsec_") in str(value) for value in row.values())
    assert not any(secret.removeprefix("whsec_").encode() in redis.dump(key) for key in redis.keys("*"))
