"""Staff in without a password, and what that verifies."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from redis import Redis

from allegro.accounts import sign_in
from allegro.accounts.models import StaffLink, User
from tests.support.burst import queued, work_off
from tests.support.people import an_organization, staff

pytestmark = pytest.mark.django_db(transaction=True)

ASK = "/accounts/sign-in/"
LINK = "/accounts/sign-in/link/"


def mailed_link() -> str:
    """Path and query of the link in the latest mail."""
    found = re.search(r"http://testserver(\S+)", str(mail.outbox[-1].body))
    assert found
    return found.group(1)


def ask(client: Client, redis: Redis, email: str = "sam@alley.com", **fields: str) -> str:
    """Ask for a link and have it mailed; the link."""
    assert client.post(ASK, {"email": email, **fields}).status_code == 200
    assert work_off(redis) == []
    return mailed_link()


def follow(client: Client, link: str):
    """Open the link and press its button; the answer to that."""
    client.get(link, follow=True)
    return client.post(LINK)


def test_following_the_link_signs_in_and_verifies_the_address(redis: Redis):
    staff(verified=False)
    client = Client(enforce_csrf_checks=True)
    csrf = str(client.get(ASK, {"next": "/horizon/"}).context["csrf_token"])
    answer = client.post(ASK, {"email": "Sam@Alley.com", "next": "/horizon/", "csrfmiddlewaretoken": csrf})
    assert "If <strong" in answer.text
    work_off(redis)
    page = client.get(mailed_link(), follow=True)
    before = client.session.session_key

    answer = client.post(LINK, {"csrfmiddlewaretoken": str(page.context["csrf_token"])})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/horizon/")
    user = User.objects.get()
    assert user.is_email_verified
    assert client.session.session_key != before
    assert client.get("/horizon/", REMOTE_ADDR="192.0.2.1").status_code == 200


def test_a_verified_address_in_another_domain_signs_in_and_does_not_pass_the_gate(redis: Redis):
    staff("sam@alley.com.evil.example", verified=False)
    client = Client()

    follow(client, ask(client, redis, "sam@alley.com.evil.example"))

    assert User.objects.get().is_email_verified
    assert client.get("/horizon/", REMOTE_ADDR="192.0.2.1").status_code == 403


def test_looking_uses_nothing_up_and_using_it_twice_fails(redis: Redis):
    staff()
    link = ask(Client(), redis)
    scanner = Client()
    for _ in range(3):
        assert scanner.get(link, follow=True).status_code == 200
        assert scanner.head(link, follow=True).status_code == 200

    assert follow(Client(), link).status_code == 302
    assert follow(Client(), link).status_code == 410


def test_the_token_is_in_no_page_and_in_no_row(redis: Redis):
    staff()
    client = Client()
    link = ask(client, redis)
    token = link.partition("allegro_token=")[2]

    away = client.get(link)
    assert (away.status_code, away.headers["Location"], away.headers["Referrer-Policy"]) == (302, LINK, "no-referrer")
    assert token not in client.get(LINK).text
    assert not any(token in str(value) for row in StaffLink.objects.values() for value in row.values())
    assert not any(token.encode() in (redis.dump(key) or b"") for key in redis.keys("*"))


def test_an_unknown_address_gets_the_same_answer_the_same_job_and_no_mail(redis: Redis):
    staff("known@alley.com")
    staff("gone@alley.com", is_active=False)
    staff("reader@alley.com", is_staff=False)

    def answer_for(email: str) -> tuple[int, str, list[str]]:
        redis.flushall()
        answer = Client().post(ASK, {"email": email})
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.text.replace(email, "…"))
        names = [name for name, _ in queued(redis, "high")]
        assert work_off(redis) == []
        return answer.status_code, text, names

    answers = [answer_for(f"{name}@alley.com") for name in ("known", "nobody", "gone", "reader")]

    assert answers == [answers[0]] * 4
    assert [message.to for message in mail.outbox] == [["known@alley.com"]]


@pytest.mark.parametrize(
    "change",
    [{"email": "else@alley.com"}, {"is_active": False}, {"is_staff": False}],
    ids=["another address", "not active", "not staff"],
)
def test_an_account_that_has_changed_since_is_not_signed_in(redis: Redis, change: dict[str, object]):
    staff()
    client = Client()
    link = ask(client, redis)
    client.get(link, follow=True)
    User.objects.update(**change)

    assert client.post(LINK).status_code == 410
    assert "_auth_user_id" not in client.session


def test_the_newest_link_wins_and_it_runs_out(redis: Redis):
    staff()
    older = ask(Client(), redis)
    newer = ask(Client(), redis)

    assert follow(Client(), older).status_code == 410
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert follow(Client(), newer).status_code == 410
    assert follow(Client(), newer).status_code == 302


def test_a_fourth_request_in_a_minute_and_a_network_that_floods_must_wait(redis: Redis):
    for _ in range(3):
        assert Client().post(ASK, {"email": "sam@alley.com"}).status_code == 200
    refused = Client().post(ASK, {"email": "SAM@alley.com"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0

    for number in range(17):
        assert Client().post(ASK, {"email": f"{number}@alley.com"}).status_code == 200
    assert Client().post(ASK, {"email": "new@alley.com"}).status_code == 429
    assert Client().post(ASK, {"email": "new@alley.com"}, REMOTE_ADDR="192.0.2.1").status_code == 200


@pytest.mark.parametrize(
    "url",
    ["//evil.example/", "https://evil.example/", "/\\evil.example/", "javascript:alert(1)", "\t//evil.example", ""],
)
def test_a_sign_in_leads_to_no_other_site(redis: Redis, url: str):
    staff()
    client = Client()

    assert sign_in.safe_next(url) == ""
    assert follow(client, ask(client, redis, next=url)).headers["Location"] == "/admin/"


def test_a_members_link_signs_no_staff_in_and_the_other_way_round(redis: Redis):
    staff()
    an_organization()
    client = Client()
    client.post("/members/magic-link/", {"email": "sam@alley.com"})
    work_off(redis)
    members = mailed_link().partition("allegro_token=")[2]
    staffs = ask(client, redis).partition("allegro_token=")[2]

    assert client.get(LINK, {"allegro_token": members}).status_code == 410
    assert client.get("/members/magic-link/validate/", {"allegro_token": staffs}).status_code == 410


def test_a_browser_without_the_forms_token_changes_nothing():
    browser = Client(enforce_csrf_checks=True)

    assert browser.post(ASK, {"email": "sam@alley.com"}).status_code == 403
    assert browser.post(LINK).status_code == 403
    assert not StaffLink.objects.exists()


def test_the_admin_sites_sign_in_leads_there():
    assert 'href="/accounts/sign-in/?next=/admin/"' in Client().get("/admin/login/?next=/admin/").text
