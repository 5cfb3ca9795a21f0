from __future__ import annotations

import json
from typing import Any

import pytest
from django.core import serializers
from django.test import Client
from pytest_django import live_server_helper
from redis import Redis

from allegro.accounts.models import User
from allegro.accounts.super_admins import why_not_super_admin
from allegro.audience import jobs
from allegro.audience.models import ExternalProfile, Member, ProviderAccount
from allegro.dev.models import ReceivedCall
from allegro.dev.seed import NotLocal, seed
from allegro.organizations.models import Organization
from allegro.webhooks.models import Delivery, Endpoint, Event
from tests.support.burst import work_off

pytestmark = pytest.mark.django_db(transaction=True)


def everything() -> list[dict[str, Any]]:
    models = (User, Organization, Member, ProviderAccount, Endpoint, Event)
    return [row for model in models for row in json.loads(serializers.serialize("json", model.objects.order_by("pk")))]


def test_seeding_twice_changes_nothing(redis: Redis):
    seed("http://127.0.0.1:8000")
    first = everything()
    seed("http://127.0.0.1:8000/")

    assert everything() == first
    assert Member.objects.count() == 12


def test_seeding_for_another_address_moves_the_demo_there(redis: Redis):
    seed("http://127.0.0.1:8000")
    seed("http://127.0.0.1:9000")

    assert Endpoint.objects.get().url == "http://127.0.0.1:9000/demo/receiver/"
    assert ProviderAccount.objects.get().url == "http://127.0.0.1:9000/demo/crm/{email}"


def test_what_is_seeded_is_valid_and_its_admin_may_see_horizon(redis: Redis):
    seed("http://127.0.0.1:8000")

    admin = User.objects.get(email="admin@alley.com")
    assert admin.check_password("allegro")
    assert why_not_super_admin(admin) == ""
    Endpoint.objects.get().full_clean()
    ProviderAccount.objects.get().full_clean()
    for member in Member.objects.all():
        member.full_clean()


def test_seeding_is_refused_outside_local(settings):
    settings.IS_LOCAL, settings.APP_ENV = False, "staging"

    with pytest.raises(NotLocal, match="APP_ENV=local; this is staging"):
        seed("http://127.0.0.1:8000")

    assert not User.objects.exists()


def test_the_seeded_webhook_and_provider_work_against_a_running_site(
    redis: Redis, live_server: live_server_helper.LiveServer
):
    seed(live_server.url)
    jobs.tick()

    assert work_off(redis) == []

    assert Delivery.objects.get().state == "succeeded"
    assert ReceivedCall.objects.get().event == "ping"
    assert ExternalProfile.objects.exclude(synced_at=None).count() == 12
    assert ExternalProfile.objects.first().payload["level"] in ("reader", "supporter", "patron")


def test_the_receiver_lists_what_came_escaped_and_keeps_fifty(client: Client):
    for number in range(53):
        client.post(
            "/demo/receiver/",
            {"<b>": number},
            content_type="application/json",
            headers={"X-Allegro-Event": "ping", "Cookie": "secret=1"},
        )

    text = client.get("/demo/receiver/").text

    assert ReceivedCall.objects.count() == 50
    assert text.count("<article") == 50
    assert "&lt;b&gt;&quot;: 52" in text
    assert "secret=1" not in text
    assert client.post("/demo/receiver/", "x" * 70_000, content_type="text/plain").status_code == 413


def test_the_demo_source_answers_alike_for_one_address_and_404_for_a_stranger(client: Client, redis: Redis):
    seed("http://127.0.0.1:8000")

    first, second = (client.get("/demo/crm/ada@example.com").json() for _ in range(2))

    assert {**first, "answered_at": ""} == {**second, "answered_at": ""}
    assert client.get("/demo/crm/stranger@example.com").status_code == 404
