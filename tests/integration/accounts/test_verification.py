from __future__ import annotations

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from redis import Redis

from allegro.accounts.super_admins import is_super_admin
from allegro.accounts.verification import make_token
from tests.support.burst import queued, work_off
from tests.support.people import staff

pytestmark = pytest.mark.django_db(transaction=True)


def path_for(token: str) -> str:
    return f"/accounts/verify/{token}/"


def send_link(admin: Client, *users) -> str:
    """What the admin site says after the action."""
    answer = admin.post(
        "/admin/accounts/user/",
        {"action": "send_verification_link", "_selected_action": [each.pk for each in users]},
        follow=True,
    )
    return " ".join(str(message) for message in answer.context["messages"])


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(staff("boss@alley.com", is_superuser=True))
    return client


def test_the_mailed_link_verifies_by_a_button_and_once(admin: Client, redis: Redis, settings):
    settings.SITE_URL = "https://allegro.example"
    sam = staff(verified=False)

    assert "1 verification link queued." in send_link(admin, sam)
    assert queued(redis, "default") == [("allegro.accounts.jobs.send_verification", (sam.pk,))]
    work_off(redis)

    message = mail.outbox[0]
    path = str(message.body).partition("https://allegro.example")[2].split()[0]
    assert message.to == ["sam@alley.com"]
    visitor = Client()
    assert "sam@alley.com" in visitor.get(path).text
    sam.refresh_from_db()
    assert not is_super_admin(sam)

    assert "is verified" in visitor.post(path).text
    sam.refresh_from_db()
    assert is_super_admin(sam)
    assert not visitor.get("/members/").wsgi_request.user.is_authenticated
    assert visitor.post(path).status_code == 410


def test_a_link_for_an_earlier_address_verifies_nothing(client: Client):
    sam = staff("sam@example.com", verified=False)
    token = make_token(sam)
    sam.email = "sam@alley.com"
    sam.save()

    assert client.post(path_for(token)).status_code == 410
    sam.refresh_from_db()
    assert not sam.is_email_verified


def test_changing_the_address_and_back_does_not_bring_the_verification_back():
    sam = staff("sam@alley.com")
    for address in ("sam@example.com", "sam@alley.com"):
        sam.email = address
        sam.save(update_fields=["email"])
        sam.refresh_from_db()

    assert sam.email == "sam@alley.com"
    assert not sam.is_email_verified


def test_a_link_runs_out_after_a_day(client: Client):
    sam = staff(verified=False)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        token = make_token(sam)
        clock.shift(24 * 3600 - 1)
        assert client.get(path_for(token)).status_code == 200
        clock.shift(2)
        assert client.get(path_for(token)).status_code == 410


def test_a_forged_link_or_one_for_an_inactive_account_verifies_nothing(client: Client):
    sam = staff(verified=False)
    token = make_token(sam)

    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), "x", "a:b:c", token.replace(":", ".")):
        assert client.post(path_for(forged)).status_code == 410
    sam.is_active = False
    sam.save()
    assert client.post(path_for(token)).status_code == 410


def test_verifying_needs_a_csrf_token():
    assert Client(enforce_csrf_checks=True).post(path_for(make_token(staff(verified=False)))).status_code == 403


def test_the_verified_and_the_inactive_are_left_out(admin: Client, redis: Redis):
    users = [staff("a@alley.com"), staff("b@alley.com", verified=False, is_active=False)]

    assert "0 verification links queued. 2 verified or not active and left out." in send_link(admin, *users)
    assert queued(redis, "default") == []


def test_the_admin_site_says_so_when_redis_is_away(admin: Client, redis_away):
    said = send_link(admin, staff(verified=False))

    assert "Not every link was queued. Redis at unix:/nonexistent/redis.sock did not answer" in said
