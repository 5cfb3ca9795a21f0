from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import NormalDist

import pytest
from django.core import mail
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.urls import resolve
from django.utils import timezone
from redis import Redis

from allegro.audience.models import Member
from allegro.audience.providers import Fetched, provider_for
from allegro.audience.sessions import AUTHENTICATED, signed_in_member
from allegro.audience.signals import signing_in
from allegro.env import ROOT
from allegro.magic_links.models import MagicLink
from allegro.urls import mounted
from allegro_queue import outbox
from allegro_queue.models import OutboxEntry
from tests.support.burst import queued, work_off
from tests.support.people import a_member, an_account, an_organization, staff
from tests.support.providers import registered_as

pytestmark = pytest.mark.django_db(transaction=True)

ASK = "/members/magic-link/"
VALIDATE = "/members/magic-link/validate/"
CODE = "/members/magic-link/code/"
STATUS = "/members/magic-link/status/"

INLINE = r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+="


def mailed_link() -> str:
    """Path and query of the link in the latest mail."""
    found = re.search(r"http://testserver(\S+)", str(mail.outbox[-1].body))
    assert found
    return found.group(1)


def mailed_code() -> str:
    """The code in the latest mail."""
    found = re.search(r"where you asked: (\d{6})", str(mail.outbox[-1].body))
    assert found
    return found.group(1)


def sign_in(client: Client, redis: Redis, email: str = "ada@example.com", **fields: str):
    """Ask for a link, follow it, press the button; the answer to that."""
    assert client.post(ASK, {"email": email, **fields}).status_code == 200
    assert work_off(redis) == []
    token = mailed_link().partition("allegro_token=")[2]
    return client.post(VALIDATE, {"allegro_token": token})


def test_following_the_mailed_link_signs_in_and_verifies(redis: Redis):
    client = Client(enforce_csrf_checks=True)
    member = a_member(an_organization())
    page = client.get(ASK)
    csrf = page.context["csrf_token"]

    answer = client.post(ASK, {"email": "Ada@Example.com", "csrfmiddlewaretoken": str(csrf)})
    assert answer.status_code == 200
    assert "Check your inbox" in answer.text
    work_off(redis)
    page = client.get(mailed_link(), follow=True)
    before, cookie = client.session.session_key, client.cookies["csrftoken"].value
    answer = client.post(VALIDATE, {"csrfmiddlewaretoken": str(page.context["csrf_token"])})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/members/")
    home = client.get("/members/").text
    assert "Signed in as" in home
    assert "ada@example.com" in home
    member.refresh_from_db()
    assert member.is_email_verified
    assert client.session.session_key != before
    assert client.cookies["csrftoken"].value != cookie


def test_asking_makes_the_session_identified_and_only_the_link_authenticates(client: Client, redis: Redis):
    an_organization()

    client.post(ASK, {"email": "ada@example.com"})

    home = client.get("/members/").text
    assert "Not signed in" in home
    assert "ada@example.com" in home


def test_looking_at_a_link_never_uses_it_up(client: Client, redis: Redis):
    an_organization()
    client.post(ASK, {"email": "ada@example.com"})
    work_off(redis)
    scanner = Client(HTTP_USER_AGENT="Mail scanner")

    for _ in range(3):
        assert scanner.get(mailed_link(), follow=True).status_code == 200
        assert scanner.head(mailed_link(), follow=True).status_code == 200
        assert Client().get(mailed_link()).status_code == 302

    assert MagicLink.objects.get().used_at is None
    assert "Not signed in" in scanner.get("/members/").text


def test_a_used_link_answers_410_and_offers_a_new_one(client: Client, redis: Redis):
    an_organization("city-news")
    sign_in(client, redis)
    link = mailed_link()

    for answer in (Client().get(link), Client().post(VALIDATE, {"allegro_token": link.partition("=")[2]})):
        assert answer.status_code == 410
        assert "This link no longer works" in answer.text
        assert 'href="/members/magic-link/?organization=city-news"' in answer.text


def test_of_twenty_presses_of_the_button_at_once_one_signs_in(client: Client, redis: Redis):
    an_organization()
    client.post(ASK, {"email": "ada@example.com"})
    work_off(redis)
    token = mailed_link().partition("allegro_token=")[2]
    browsers = [Client() for _ in range(20)]
    barrier = threading.Barrier(len(browsers))

    def press(browser: Client) -> int:
        try:
            barrier.wait(20)
            return browser.post(VALIDATE, {"allegro_token": token}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(browsers)) as pool:
        statuses = list(pool.map(press, browsers))

    assert sorted(statuses) == [302, *[410] * 19]
    assert [AUTHENTICATED in browser.session for browser in browsers].count(True) == 1


@pytest.mark.parametrize("token", ["", "unknown", "x" * 5000, "\u0430\0"])
def test_an_unknown_link_answers_410(client: Client, token: str):
    assert client.get(VALIDATE, {"allegro_token": token}).status_code == 410
    assert client.post(VALIDATE, {"allegro_token": token}).status_code == 410


def test_known_and_unknown_addresses_get_the_same_answer(client: Client, redis: Redis):
    a_member(an_organization(), "known@example.com")

    def answer_for(email: str) -> tuple[int, dict[str, str], str]:
        answer = Client().post(ASK, {"email": email})
        text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.text.replace(email, "…"))
        return answer.status_code, dict(answer.headers), text

    known = [answer_for("known@example.com") for _ in range(4)]
    unknown = [answer_for("other@example.com") for _ in range(4)]

    for each in known + unknown:
        each[1].pop("Retry-After", None)
        each[1].pop("Content-Length", None)
        each[1].pop("Expires", None)
        assert each[1].pop("X-Request-ID")
    wait = re.compile(r"again in \d+ seconds?")
    assert [(s, h, wait.sub("", t)) for s, h, t in known] == [(s, h, wait.sub("", t)) for s, h, t in unknown]
    assert [status for status, _, _ in known] == [200, 200, 200, 429]


def test_too_many_requests_answer_429_with_the_wait(client: Client, redis: Redis):
    an_organization()
    for _ in range(3):
        client.post(ASK, {"email": "ada@example.com"})

    answer = client.post(ASK, {"email": "ADA@example.com"})

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert f"Try again in {answer.headers['Retry-After']} seconds." in answer.text
    assert len(queued(redis, "high")) == 3


@pytest.mark.parametrize("email", ["", "ada", "ada@example.com\r\nBcc: bob@example.com", "a@b.c, d@e.fg", "<script>"])
def test_a_malformed_address_answers_400_with_what_is_right(client: Client, redis: Redis, email: str):
    an_organization()

    answer = client.post(ASK, {"email": email})

    assert answer.status_code == 400
    assert "That is not an e-mail address. It should look like name@example.com." in answer.text
    assert "<script>" not in answer.text
    assert not MagicLink.objects.exists()


def test_an_unknown_organization_answers_404_with_the_reason(client: Client):
    assert "There is no organization yet" in client.get(ASK).text
    an_organization()

    answer = client.get(ASK, {"organization": "nowhere"})

    assert answer.status_code == 404
    assert "There is no organization &#x27;nowhere&#x27; here." in answer.text


def test_the_organization_is_that_of_the_host(client: Client, settings, redis: Redis):
    settings.IS_LOCAL = False
    an_organization("first")
    an_organization("second", domain="localhost")

    assert client.get(ASK).status_code == 404
    assert client.get(ASK, headers={"host": "LOCALHOST:8000"}).context["organization"].slug == "second"
    assert client.get(ASK, {"organization": "first"}).context["organization"].slug == "first"
    assert client.get(ASK, {"organization": "first"}, headers={"host": "localhost"}).context["organization"].slug == (
        "second"
    )


def test_with_redis_away_the_answer_is_the_same_and_the_mail_waits(client: Client, redis_away):
    an_organization()

    answer = client.post(ASK, {"email": "ada@example.com"})

    assert answer.status_code == 200
    assert "Check your inbox" in answer.text
    assert OutboxEntry.objects.count() == 1
    assert mail.outbox == []


def test_with_the_outbox_full_the_answer_is_503_and_nothing_is_kept(client: Client, redis: Redis, monkeypatch):
    an_organization()
    OutboxEntry.objects.create(name="x", data=b"", held_until=timezone.now())
    monkeypatch.setattr(outbox, "MOST_WAITING", 0)

    answer = client.post(ASK, {"email": "ada@example.com"})

    assert answer.status_code == 503
    assert "No mail can be sent at the moment." in answer.text
    assert not MagicLink.objects.exists()


def test_the_token_leaves_the_address_at_once_and_is_in_no_page(client: Client, redis: Redis):
    an_organization()
    client.post(ASK, {"email": "ada@example.com"})
    work_off(redis)
    token = mailed_link().partition("allegro_token=")[2]

    away = client.get(mailed_link())
    page = client.get(away.headers["Location"])

    assert (away.status_code, away.headers["Location"]) == (302, VALIDATE)
    assert away.headers["Referrer-Policy"] == "no-referrer"
    cookie = away.cookies["allegro_token"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", VALIDATE)
    assert token not in page.text
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert client.post(VALIDATE).status_code == 302
    assert client.cookies["allegro_token"].value == ""


def test_the_code_signs_in_the_browser_that_asked_and_no_other(client: Client, redis: Redis):
    an_organization()
    client.post(ASK, {"email": "ada@example.com", "return_url": "/stories/"})
    work_off(redis)
    code = mailed_code()
    other = Client()
    other.post(ASK, {"email": "bob@example.com"})

    assert other.post(CODE, {"code": code}).status_code == 400
    assert Client().post(CODE, {"code": code}).status_code == 410
    wrong = client.post(CODE, {"code": "no digits"})
    assert wrong.status_code == 400
    assert "This code does not fit" in wrong.text
    assert client.get(CODE).status_code == 405
    before = client.session.session_key
    assert client.post(CODE, {"code": code}).headers["Location"] == "/stories/"
    assert client.session.session_key != before
    assert "Signed in as" in client.get("/members/").text


def test_another_tab_hears_that_its_own_link_signed_the_browser_in(client: Client, redis: Redis):
    an_organization()
    elsewhere = Client()
    for each in (client, elsewhere):
        assert each.get(STATUS).json() == {"authenticated": False}
    client.post(ASK, {"email": "ada@example.com", "return_url": "/stories/"})
    work_off(redis)
    assert client.get(STATUS).json() == {"authenticated": False}
    token = mailed_link().partition("allegro_token=")[2]

    # On another device it signs in that device alone.
    elsewhere.post(VALIDATE, {"allegro_token": token})
    assert client.get(STATUS).json() == {"authenticated": False}

    client.post(ASK, {"email": "ada@example.com", "return_url": "/stories/"})
    work_off(redis)
    client.post(VALIDATE, {"allegro_token": mailed_link().partition("allegro_token=")[2]})
    assert client.get(STATUS).json() == {"authenticated": True, "next": "/stories/"}


def test_asking_again_while_signed_in_waits_for_the_new_link(client: Client, redis: Redis):
    an_organization()
    sign_in(client, redis)

    client.post(ASK, {"email": "ada@example.com"})

    assert client.get(STATUS).json() == {"authenticated": False}


def test_what_the_page_that_asks_wants_to_find_again_is_kept(client: Client, redis: Redis):
    an_organization()

    client.post(ASK, {"email": "ada@example.com", "data": '{"campaign": "spring"}'})

    assert MagicLink.objects.get().data == {"campaign": "spring"}
    for wrong in ("[]", "{", '{"a": "' + "x" * 3000 + '"}', '{"a": "\\u0000"}', "[" * 1900):
        assert client.post(ASK, {"email": "ada@example.com", "data": wrong}).status_code == 400


def test_a_network_is_told_apart_by_its_own_address_and_not_by_what_a_client_writes(
    client: Client, redis: Redis, settings
):
    an_organization()

    def ask_from(address: str, number: int, said: str = "") -> int:
        headers = {"x-forwarded-for": said} if said else {}
        return (
            Client()
            .post(ASK, {"email": f"reader-{number}@example.com"}, REMOTE_ADDR=address, headers=headers)
            .status_code
        )

    # One household of IPv6 is one network, whatever it claims.
    assert [ask_from(f"2001:db8:1:2::{each:x}", each, said=f"198.51.100.{each}") for each in range(20)] == [200] * 20
    assert ask_from("2001:db8:1:2:ffff::1", 20, said="203.0.113.9") == 429
    assert ask_from("2001:db8:1:3::1", 21) == 200

    settings.TRUSTED_PROXIES = 1
    assert ask_from("10.0.0.1", 22, said="198.51.100.7, 2001:db8:1:2::5") == 429
    assert ask_from("10.0.0.1", 23, said="2001:db8:1:2::5, 198.51.100.7") == 200


def test_the_member_lands_where_they_came_from_if_it_is_on_this_site(client: Client, redis: Redis):
    an_organization()

    assert sign_in(client, redis, return_url="/stories/?page=2").headers["Location"] == "/stories/?page=2"
    refused = client.post(ASK, {"email": "ada@example.com", "return_url": "//evil.io/"})

    assert refused.status_code == 400
    assert "The return address must be on this site." in refused.text


def test_a_request_that_names_another_host_gets_no_link_to_it(client: Client, redis: Redis):
    an_organization()

    assert client.post(ASK, {"email": "ada@example.com"}, headers={"host": "evil.io"}).status_code == 400
    client.post(ASK, {"email": "ada@example.com"}, headers={"host": "localhost", "x-forwarded-host": "evil.io"})
    work_off(redis)

    assert len(mail.outbox) == 1
    assert "http://testserver/members/" in mail.outbox[0].body
    assert "evil.io" not in mail.outbox[0].message().as_string()


def test_a_member_has_no_rights_in_the_admin_site_or_horizon(client: Client, redis: Redis):
    an_organization()
    staff("sam@alley.com", is_superuser=True)

    sign_in(client, redis, "sam@alley.com")

    assert "Signed in as" in client.get("/members/").text
    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")
    horizon = client.get("/horizon/", REMOTE_ADDR="192.0.2.1")
    assert horizon.status_code in (302, 403, 404)
    assert not client.get("/members/").wsgi_request.user.is_authenticated


def test_signing_a_member_out_leaves_a_staff_sign_in_alone(client: Client, redis: Redis):
    an_organization()
    client.force_login(staff(is_superuser=True))
    sign_in(client, redis)

    answer = client.post("/members/sign-out/")

    assert answer.status_code == 302
    assert "Not signed in" in client.get("/members/").text
    assert client.get("/admin/").status_code == 200


def test_a_deleted_member_is_no_longer_signed_in(client: Client, redis: Redis):
    an_organization()
    sign_in(client, redis)

    Member.objects.all().delete()

    assert "Not signed in" in client.get("/members/").text


def test_signing_in_works_while_a_source_is_broken(client: Client, redis: Redis, monkeypatch):
    news = an_organization()
    account = an_account(news, "http://crm.invalid/{email}", max_login_age_minutes=1)

    def broken(self: object, member: object, known: object, *, seconds: float) -> None:
        raise OSError("the source is on fire")

    monkeypatch.setattr(type(provider_for(account)), "sync", broken)

    assert sign_in(client, redis).status_code == 302


def test_other_apps_hear_of_a_sign_in_before_it_and_with_fresh_profiles(client: Client, redis: Redis):
    news = an_organization()
    heard: list[tuple[str, dict[str, str], bool]] = []

    def fetch(member: Member) -> Fetched:
        return Fetched(payload={"level": "patron"})

    def listen(sender: object, member: Member, request: HttpRequest, **more: object) -> None:
        profile = dict(member.external_profiles.get().payload)
        heard.append((member.email, profile, signed_in_member(request) is None))
        request.session["level"] = profile["level"]
        raise OSError("a receiver breaks")

    with registered_as("level", fetch):
        an_account(news, "", provider="level", max_login_age_minutes=1)
        signing_in.connect(listen)
        try:
            assert sign_in(client, redis).status_code == 302
        finally:
            signing_in.disconnect(listen)

    assert heard == [("ada@example.com", {"level": "patron"}, True)]
    assert client.session["level"] == "patron"
    assert "Signed in as" in client.get("/members/").text


@pytest.mark.parametrize("path", ["/members/sign-out/", ASK, VALIDATE])
def test_a_browser_changes_nothing_without_a_csrf_token(path: str):
    an_organization()
    browser = Client(enforce_csrf_checks=True, headers={"Origin": "https://elsewhere.example"})

    assert browser.post(path, {"email": "ada@example.com"}).status_code == 403
    assert not MagicLink.objects.exists()


def test_a_visitor_with_cookies_asks_for_no_link_without_a_csrf_token():
    an_organization()
    visitor = Client(enforce_csrf_checks=True)
    visitor.get(ASK)

    assert visitor.post(ASK, {"email": "ada@example.com"}).status_code == 403
    assert not MagicLink.objects.exists()


def test_a_program_without_cookies_may_post_an_address():
    an_organization()

    assert Client(enforce_csrf_checks=True).post(ASK, {"email": "ada@example.com"}).status_code == 200
    assert MagicLink.objects.count() == 1


def test_signing_out_is_a_post(client: Client):
    assert client.get("/members/sign-out/").status_code == 405


def test_the_members_pages_are_never_cached_and_hold_nothing_inline(client: Client, redis: Redis):
    an_organization()
    pages = [client.get(ASK), client.post(ASK, {"email": "ada@example.com"})]
    work_off(redis)
    pages += [
        client.get(mailed_link(), follow=True),
        client.get(VALIDATE, {"allegro_token": "x"}),
        client.get("/members/"),
    ]

    for page in pages:
        assert "no-store" in page.headers["Cache-Control"]
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        assert not re.search(INLINE, page.text)


def test_no_template_of_the_site_holds_anything_inline():
    files = list((ROOT / "templates").rglob("*.html"))

    assert files
    for file in files:
        assert not re.search(INLINE, file.read_text()), file


def test_the_front_door_leads_to_the_members_page(client: Client):
    assert client.get("/").headers["Location"] == "/members/"


def test_the_web_process_says_that_it_is_up(client: Client):
    answer = client.get("/up")

    assert (answer.status_code, answer.headers["x-allegro-health"]) == (200, "1")


def test_the_demos_other_side_is_mounted_in_local_alone():
    assert resolve("/demo/receiver/").url_name == "receiver"
    assert not any(str(each.pattern).startswith("demo") for each in mounted(local=False))


def test_known_and_unknown_addresses_are_answered_in_the_same_time(redis: Redis):
    news = an_organization()
    count = 120
    for number in range(count):
        a_member(news, f"known-{number}@example.com")
    redis.flushall()
    times: dict[str, list[float]] = {"known": [], "other": []}

    for number in range(count):
        # Now the one first, now the other, so that what slows the machine down slows both.
        for kind in ("known", "other") if number % 2 else ("other", "known"):
            client = Client(REMOTE_ADDR=f"198.51.{number}.{1 if kind == 'known' else 2}")
            started = time.perf_counter()
            assert client.post(ASK, {"email": f"{kind}-{number}@example.com"}).status_code == 200
            times[kind].append(time.perf_counter() - started)

    assert rank_sum_p(times["known"], times["other"]) > 0.001
    assert {name for name, _ in queued(redis, "high")} == {"allegro.magic_links.jobs.send_magic_link"}


def rank_sum_p(one: list[float], other: list[float]) -> float:
    """Chance that two samples of one kind differ as much (rank-sum test, two-sided, by the normal curve)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(place for place, (_, kind) in enumerate(ranked, start=1) if kind == 0)
    size = len(one) + len(other)
    mean = len(one) * (size + 1) / 2
    deviation = (len(one) * len(other) * (size + 1) / 12) ** 0.5
    return 2 * (1 - NormalDist().cdf(abs(ranks - mean) / deviation))
