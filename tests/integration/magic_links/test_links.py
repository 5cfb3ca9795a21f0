from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.utils import timezone
from redis import Redis

from allegro.accounts.models import StaffLink
from allegro.audience.models import Member
from allegro.magic_links import links
from allegro.magic_links.jobs import forget_old_links, send_magic_link
from allegro.magic_links.models import MagicLink
from allegro.webhooks.models import Event
from allegro_queue.models import OutboxEntry
from allegro_queue.terms import decode_terms
from tests.support.burst import queued, work_off
from tests.support.people import a_member, an_account, an_organization

CODE = re.compile(r"where you asked: (\d{6})\n")


pytestmark = pytest.mark.django_db(transaction=True)


def mailed_token() -> str:
    """The token of the latest mail."""
    found = re.search(r"allegro_token=([\w-]+)", str(mail.outbox[-1].body))
    assert found
    return found.group(1)


def mailed_code() -> str:
    """The code of the latest mail."""
    found = CODE.search(str(mail.outbox[-1].body))
    assert found
    return found.group(1)


def another(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_the_link_is_in_the_mail_and_the_token_nowhere_else(redis: Redis, settings):
    settings.SITE_URL = "https://allegro.example"
    link = links.request_link(an_organization(), "ada@example.com", "", timezone.now())

    assert queued(redis, "high") == [("allegro.magic_links.jobs.send_magic_link", (str(link.pk),))]
    (job_id,) = redis.lrange("rq:queue:high", 0, -1)
    terms = decode_terms(redis.hget(b"rq:job:" + job_id, "horizon"))
    assert (terms.tags, terms.tenant) == (
        (f"organization:{link.organization_id}", "magic-link"),
        str(link.organization_id),
    )
    assert work_off(redis) == []

    message = mail.outbox[0]
    token = mailed_token()
    assert message.to == ["ada@example.com"]
    assert message.subject == "Sign in to City News"
    assert f"https://allegro.example/members/magic-link/validate/?allegro_token={token}" in message.body
    assert "30 minutes" in message.body
    stored = [str(value) for row in MagicLink.objects.values() for value in row.values()]
    stored += [repr(redis.dump(key)) for key in redis.keys("*")]
    code = mailed_code()
    assert not any(token in each for each in stored)
    assert not any(
        code in str(value) for row in MagicLink.objects.values("token_hash", "network") for value in row.values()
    )
    assert len(token) >= 43


def test_a_link_signs_in_once_makes_the_member_and_verifies_the_address(redis: Redis):
    news = an_organization()
    links.request_link(news, "new@example.com", "/stories/", timezone.now())
    work_off(redis)
    token = mailed_token()

    used = links.use_link(token, timezone.now())

    assert used is not None
    assert used.return_url == "/stories/"
    assert used.member.email == "new@example.com"
    assert used.member.is_email_verified
    assert Event.objects.get().data["email_verified"] is True
    assert links.use_link(token, timezone.now()) is None
    assert Member.objects.count() == 1


def test_an_address_that_has_a_member_is_linked_and_never_doubled(redis: Redis):
    news = an_organization()
    # Written by other means than our forms, in capitals.
    member = a_member(news, "Ada@Example.com")
    a_member(an_organization("elsewhere"), "ada@example.com")
    links.request_link(news, "ada@example.com", "", timezone.now())
    work_off(redis)

    used = links.use_link(mailed_token(), timezone.now())

    assert used is not None
    assert used.member == member
    assert Member.objects.count() == 2


def test_a_link_for_an_address_that_its_member_has_left_does_not_sign_that_member_in(redis: Redis):
    news = an_organization()
    ada = a_member(news, email_verified_at=None)
    links.request_link(news, "ada@example.com", "", timezone.now())
    work_off(redis)
    ada.email = "ada@elsewhere.example"
    ada.save()

    used = links.use_link(mailed_token(), timezone.now())

    # Whoever used it reads the mail of the old address; that proves nothing about the new one.
    assert used is not None
    assert (used.member.pk != ada.pk, used.member.email) == (True, "ada@example.com")
    ada.refresh_from_db()
    assert not ada.is_email_verified


def test_of_many_uses_at_once_one_succeeds(redis: Redis):
    links.request_link(an_organization(), "ada@example.com", "", timezone.now())
    work_off(redis)
    token = mailed_token()
    barrier = threading.Barrier(10)
    outcomes: list[bool] = []

    def attempt() -> None:
        barrier.wait(10)
        outcomes.append(links.use_link(token, timezone.now()) is not None)
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(outcomes) == [False] * 9 + [True]


def test_a_link_runs_out_after_its_minutes(redis: Redis):
    link = links.request_link(an_organization(), "ada@example.com", "", timezone.now())
    work_off(redis)
    token = mailed_token()
    link.refresh_from_db()
    assert link.expires_at is not None

    assert links.find_live(token, link.expires_at - timedelta(seconds=1)) == link
    assert links.use_link(token, link.expires_at) is None
    assert links.use_link(token, link.expires_at - timedelta(seconds=1)) is not None


def test_the_newest_link_wins_for_its_address_alone(redis: Redis):
    news = an_organization()
    tokens = {}
    for name, email in [("older", "ada@example.com"), ("bob's", "bob@example.com"), ("newer", "ada@example.com")]:
        links.request_link(news, email, "", timezone.now())
        work_off(redis)
        tokens[name] = mailed_token()

    assert links.use_link(tokens["older"], timezone.now()) is None
    assert links.use_link(tokens["newer"], timezone.now()) is not None
    assert links.use_link(tokens["bob's"], timezone.now()) is not None


def test_a_mail_that_is_made_twice_holds_the_same_link_and_code_for_no_longer(redis: Redis):
    link = links.request_link(an_organization(), "ada@example.com", "", timezone.now())
    send_magic_link(str(link.pk))
    link.refresh_from_db()
    until = link.expires_at
    # As it is when the worker dies between the two.
    MagicLink.objects.filter(pk=link.pk).update(sent_at=None)
    send_magic_link(str(link.pk))
    link.refresh_from_db()

    first, second = mail.outbox
    assert first.body == second.body
    assert link.expires_at == until
    assert links.use_link(mailed_token(), timezone.now()) is not None


def test_a_mail_that_is_sent_is_not_sent_again_by_a_job_that_is_run_again(redis: Redis):
    link = links.request_link(an_organization(), "ada@example.com", "", timezone.now())

    assert [send_magic_link(str(link.pk)) for _ in range(2)] == ["sent", "skipped: its mail is sent"]

    assert len(mail.outbox) == 1
    assert links.use_link(mailed_token(), timezone.now()) is not None


def test_a_request_that_waited_too_long_is_used_or_replaced_sends_no_mail(redis: Redis):
    news = an_organization()
    late = links.request_link(news, "ada@example.com", "", timezone.now() - timedelta(minutes=31))
    newer = links.request_link(news, "ada@example.com", "", timezone.now())

    assert send_magic_link(str(late.pk)).startswith("skipped")
    assert send_magic_link(str(newer.pk)) == "sent"
    links.use_link(mailed_token(), timezone.now())
    assert send_magic_link(str(newer.pk)).startswith("skipped")
    newer.delete()
    assert send_magic_link(str(late.pk)).startswith("skipped")

    assert len(mail.outbox) == 1


def test_a_fourth_request_in_a_minute_must_wait(redis: Redis):
    news, now = an_organization(), timezone.now()
    for seconds in (0, 10, 20):
        links.request_link(news, "ada@example.com", "", now + timedelta(seconds=seconds))

    with pytest.raises(links.TooManyRequests, match="Try again in 35 seconds") as refused:
        links.request_link(news, "ada@example.com", "", now + timedelta(seconds=25))

    assert refused.value.wait_seconds == 35
    links.request_link(news, "bob@example.com", "", now + timedelta(seconds=25))
    links.request_link(an_organization("elsewhere"), "ada@example.com", "", now + timedelta(seconds=25))
    links.request_link(news, "ada@example.com", "", now + timedelta(seconds=60))


def test_an_inbox_is_not_filled_by_patience_either(redis: Redis):
    news, now = an_organization(), timezone.now()
    for number in range(20):
        links.request_link(news, "ada@example.com", "", now + timedelta(minutes=number))

    with pytest.raises(links.TooManyRequests, match="Try again in 2400 seconds"):
        links.request_link(news, "ada@example.com", "", now + timedelta(minutes=20))

    links.request_link(news, "ada@example.com", "", now + timedelta(minutes=60))


def test_of_many_requests_at_once_three_are_taken(redis: Redis):
    news = an_organization()
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def attempt() -> None:
        barrier.wait(10)
        try:
            links.request_link(news, "ada@example.com", "", timezone.now())
            outcomes.append("taken")
        except links.TooManyRequests:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(outcomes) == ["refused"] * 5 + ["taken"] * 3


def test_a_known_members_profile_is_warmed_and_an_unknown_addresss_is_not(redis: Redis):
    news = an_organization()
    an_account(news, "http://crm.invalid/{email}", max_login_age_minutes=10)
    ada = a_member(news)
    redis.flushall()
    known = links.request_link(news, "ada@example.com", "", timezone.now())
    unknown = links.request_link(news, "new@example.com", "", timezone.now())
    # What the request queues is alike; only the worker looks whether the address is known.
    assert [name for name, _ in queued(redis, "high")] == ["allegro.magic_links.jobs.send_magic_link"] * 2
    redis.flushall()

    send_magic_link(str(known.pk))
    assert queued(redis, "high") == [("allegro.audience.jobs.prewarm_profile", (str(ada.pk),))]
    send_magic_link(str(unknown.pk))
    assert len(queued(redis, "high")) == 1


def test_nothing_is_queued_for_a_member_whom_no_source_would_keep_waiting(redis: Redis):
    news = an_organization()
    a_member(news)
    redis.flushall()
    link = links.request_link(news, "ada@example.com", "", timezone.now())
    redis.flushall()

    send_magic_link(str(link.pk))

    assert queued(redis, "high") == []


def test_an_organizations_name_cannot_add_a_header(redis: Redis):
    news = an_organization(name="City\r\nBcc: bob@example.com")
    link = links.request_link(news, "ada@example.com", "", timezone.now())

    send_magic_link(str(link.pk))

    assert mail.outbox[0].subject == "Sign in to City Bcc: bob@example.com"
    assert mail.outbox[0].recipients() == ["ada@example.com"]


def test_a_code_signs_in_once_and_spends_the_link(redis: Redis):
    link = links.request_link(an_organization(), "ada@example.com", "/stories/", timezone.now(), data={"plan": "gold"})
    work_off(redis)
    code = mailed_code()

    used = links.use_code(str(link.pk), f" {code[:3]} {code[3:]} ", timezone.now())

    assert used is not None
    assert (used.member.email, used.return_url, used.data) == ("ada@example.com", "/stories/", {"plan": "gold"})
    assert links.use_code(str(link.pk), code, timezone.now()) is None
    assert links.use_link(mailed_token(), timezone.now()) is None


def test_a_link_that_was_used_spends_its_code(redis: Redis):
    link = links.request_link(an_organization(), "ada@example.com", "", timezone.now())
    work_off(redis)

    assert links.use_link(mailed_token(), timezone.now()) is not None
    assert links.use_code(str(link.pk), mailed_code(), timezone.now()) is None


def test_five_wrong_codes_spend_a_links_codes_but_not_the_link(redis: Redis):
    link = links.request_link(an_organization(), "ada@example.com", "", timezone.now())
    work_off(redis)
    code = mailed_code()

    for _ in range(5):
        assert links.use_code(str(link.pk), another(code), timezone.now()) is None

    assert links.use_code(str(link.pk), code, timezone.now()) is None
    assert links.use_link(mailed_token(), timezone.now()) is not None


def test_new_links_bring_no_new_tries_without_end(redis: Redis):
    news, now = an_organization(), timezone.now()
    for number in range(3):
        link = links.request_link(news, "ada@example.com", "", now + timedelta(minutes=number))
        work_off(redis)
        for _ in range(5):
            assert links.use_code(str(link.pk), another(mailed_code()), timezone.now()) is None
    link = links.request_link(news, "ada@example.com", "", now + timedelta(minutes=4))
    work_off(redis)

    assert links.use_code(str(link.pk), mailed_code(), timezone.now()) is None


def test_a_code_runs_out_with_its_link_and_with_a_newer_one(redis: Redis):
    news = an_organization()
    older = links.request_link(news, "ada@example.com", "", timezone.now())
    work_off(redis)
    older_code = mailed_code()
    newer = links.request_link(news, "ada@example.com", "", timezone.now())
    work_off(redis)
    newer.refresh_from_db()
    assert newer.expires_at is not None

    assert links.use_code(str(older.pk), older_code, timezone.now()) is None
    assert links.use_code(str(newer.pk), mailed_code(), newer.expires_at) is None
    assert links.use_code("not an id", mailed_code(), timezone.now()) is None
    assert links.use_code(str(newer.pk), "\u0661\u0662\u0663\u0664\u0665\u0666", timezone.now()) is None
    assert links.use_code(str(newer.pk), mailed_code(), timezone.now()) is not None


def test_one_network_asks_for_twenty_links_a_minute_and_another_is_not_held_up(redis: Redis):
    news, now = an_organization(), timezone.now()
    for number in range(20):
        links.request_link(news, f"reader-{number}@example.com", "", now, network="office")

    with pytest.raises(links.TooManyRequests):
        links.request_link(news, "one-more@example.com", "", now, network="office")

    links.request_link(news, "one-more@example.com", "", now, network="home")
    links.request_link(news, "one-more@example.com", "", now + timedelta(minutes=1), network="office")


def test_with_redis_away_the_mail_waits_in_the_outbox(redis_away: None):
    link = links.request_link(an_organization(), "ada@example.com", "", timezone.now())

    entry = OutboxEntry.objects.get()
    assert entry.name == "allegro.magic_links.jobs.send_magic_link"
    assert entry.tenant == str(link.organization_id)
    assert mail.outbox == []


def test_requests_are_forgotten_after_thirty_days(redis: Redis):
    news, now = an_organization(), timezone.now()
    links.request_link(news, "old@example.com", "", now - timedelta(days=30, seconds=1))
    StaffLink.objects.create(email="old@alley.com", requested_at=now - timedelta(days=31))
    young = links.request_link(news, "new@example.com", "", now - timedelta(days=29))

    session = SessionStore()
    session.set_expiry(-1)
    session.save()
    living = SessionStore()
    living.save()

    assert forget_old_links() == 2
    assert [row.session_key for row in Session.objects.all()] == [living.session_key]

    assert list(MagicLink.objects.all()) == [young]
    assert not StaffLink.objects.exists()
