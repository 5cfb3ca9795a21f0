"""What a colleague does for somebody whose address is not verified yet."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from redis import Redis

from allegro.accounts.models import StaffLink, User
from allegro.accounts.super_admins import why_not_super_admin
from tests.support.burst import queued, work_off
from tests.support.people import staff

pytestmark = pytest.mark.django_db(transaction=True)

LINK = "/accounts/sign-in/link/"


def mail_links(admin: Client, *users: User) -> str:
    """What the admin site says after the action."""
    answer = admin.post(
        "/admin/accounts/user/",
        {"action": "mail_sign_in_link", "_selected_action": [each.pk for each in users]},
        follow=True,
    )
    return " ".join(str(message) for message in answer.context["messages"])


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(staff("boss@alley.com", is_superuser=True))
    return client


def test_the_link_that_a_colleague_has_mailed_verifies_by_a_button_and_once(admin: Client, redis: Redis, settings):
    settings.SITE_URL = "https://allegro.example"
    sam = staff("Sam@alley.com", verified=False)

    assert "1 sign-in link queued." in mail_links(admin, sam)
    assert queued(redis, "high") == [("allegro.accounts.jobs.send_staff_link", (str(StaffLink.objects.get().pk),))]
    work_off(redis)

    message = mail.outbox[0]
    link = str(message.body).partition("https://allegro.example")[2].split()[0]
    assert message.to == ["Sam@alley.com"]
    visitor = Client()
    assert "sam@alley.com" in visitor.get(link, follow=True).text
    sam.refresh_from_db()
    assert why_not_super_admin(sam)

    assert visitor.post(LINK).status_code == 302
    sam.refresh_from_db()
    assert why_not_super_admin(sam) == ""
    assert Client().get(link).status_code == 410


def test_a_mail_is_in_the_language_of_the_page_that_it_was_asked_for_on(client: Client, redis: Redis):
    staff("sam@alley.com")
    staff("ada@alley.com")

    client.post("/accounts/sign-in/", {"email": "sam@alley.com"}, headers={"Accept-Language": "he"})
    client.post("/accounts/sign-in/", {"email": "ada@alley.com"}, headers={"Accept-Language": "en"})
    work_off(redis)

    told = {message.to[0]: message for message in mail.outbox}
    assert told["sam@alley.com"].subject == "כניסה ל־Allegro"
    assert "הוא תקף פעם אחת" in str(told["sam@alley.com"].body)
    assert told["ada@alley.com"].subject == "Sign in to Allegro"


def test_no_address_of_this_site_has_a_token_in_its_path(client: Client):
    assert client.get("/accounts/verify/a-token/").status_code == 404


def test_changing_the_address_and_back_does_not_bring_the_verification_back():
    sam = staff("sam@alley.com")
    for address in ("sam@example.com", "sam@alley.com"):
        sam.email = address
        sam.save(update_fields=["email"])
        sam.refresh_from_db()

    assert sam.email == "sam@alley.com"
    assert not sam.is_email_verified


def test_whom_no_link_would_sign_in_is_left_out(admin: Client, redis: Redis):
    users = [staff("a@alley.com", is_staff=False), staff("b@alley.com", is_active=False)]

    assert "0 sign-in links queued. 2 were left out: not active, or not staff." in mail_links(admin, *users)
    assert queued(redis, "high") == []


def test_a_colleague_mails_no_more_links_than_the_person_could_ask_for(admin: Client, redis: Redis):
    sam = staff(verified=False)

    said = [mail_links(admin, sam) for _ in range(4)]

    assert "0 sign-in links queued. 1 had enough links in the last minutes." in said[-1]
    assert len(queued(redis, "high")) == 3


def test_a_link_waits_in_the_outbox_while_redis_is_away(admin: Client, redis_away):
    assert "1 sign-in link queued." in mail_links(admin, staff(verified=False))
