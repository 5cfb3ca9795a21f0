from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from redis import Redis

from allegro.audience import jobs
from allegro.audience.models import ExternalProfile, Member, ProviderAccount
from allegro.audience.profiles import store
from allegro.audience.providers import Fetched
from allegro.audience.rounds import RoundsFailed
from allegro.audience.warming import warm_ahead
from allegro_queue.terms import FIELD, decode_terms
from tests.support.burst import queued, work_off_with_terms
from tests.support.people import a_member, an_account, an_organization
from tests.support.sources import Crm, saying

pytestmark = pytest.mark.django_db(transaction=True)

PREWARM = "allegro.audience.jobs.prewarm_profile"


def an_account_for_login(crm: Crm) -> ProviderAccount:
    return an_account(an_organization(), f"{crm.url}/people/{{email}}", max_login_age_minutes=10)


def a_patron(crm: Crm, account: ProviderAccount) -> Member:
    ada = a_member(account.organization)
    crm.people[ada.email] = {"level": "patron"}
    return ada


def link_from_the_mail() -> str:
    body = mail.outbox[-1].body
    return next(word for word in str(body).split() if "allegro_token=" in word)


def test_a_click_on_a_link_asks_no_source_once_its_member_was_warmed(redis: Redis, crm: Crm, client: Client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    account = an_account_for_login(crm)
    ada = a_patron(crm, account)
    redis.flushall()

    client.post("/members/magic-link/", {"email": ada.email})
    work_off_with_terms(redis, ["high"])
    asked_before = len(crm.asked)
    token = urlsplit(link_from_the_mail()).query.partition("=")[2]
    answer = client.post("/members/magic-link/validate/", {"allegro_token": token})

    assert answer.status_code == 302
    assert asked_before == 1
    assert len(crm.asked) == 1
    assert ExternalProfile.objects.get().payload == {"level": "patron"}


def test_a_click_on_a_link_asks_the_source_itself_where_the_warming_was_lost(
    redis: Redis, crm: Crm, client: Client, settings
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    account = an_account_for_login(crm)
    ada = a_patron(crm, account)
    redis.flushall()

    client.post("/members/magic-link/", {"email": ada.email})
    (name, args), *_ = queued(redis, "high")
    assert name == "allegro.magic_links.jobs.send_magic_link"
    from allegro.magic_links.jobs import send_magic_link

    send_magic_link(*args)
    redis.flushall()
    token = urlsplit(link_from_the_mail()).query.partition("=")[2]
    client.post("/members/magic-link/validate/", {"allegro_token": token})

    assert len(crm.asked) == 1
    assert ExternalProfile.objects.get().payload == {"level": "patron"}


def test_only_stale_profiles_are_warmed_and_each_member_once(redis: Redis, crm: Crm):
    account = an_account_for_login(crm)
    ada = a_patron(crm, account)
    redis.flushall()

    assert warm_ahead(ada)
    assert warm_ahead(ada)
    assert queued(redis, "high") == [(PREWARM, (str(ada.pk),))]
    job_id = redis.lindex("rq:queue:high", 0)
    terms = decode_terms(redis.hget(f"rq:job:{job_id.decode()}", FIELD))
    assert terms.tenant == str(account.organization_id)
    assert terms.tags == (f"organization:{account.organization_id}", f"member:{ada.pk}", "provider:json-profile")

    redis.flushall()
    store(ada, account.provider, Fetched(), timezone.now())
    assert not warm_ahead(ada)
    # Fresh now, but not for long: by the time the link is followed it would be stale.
    ExternalProfile.objects.update(synced_at=timezone.now() - timedelta(minutes=8))
    assert warm_ahead(ada)


def test_nobody_is_warmed_whose_organization_has_no_source_for_signing_in(redis: Redis, crm: Crm):
    an_account_for_login(crm)
    stranger = a_member(an_organization("elsewhere"), "bob@example.com")
    redis.flushall()

    assert not warm_ahead(stranger)
    assert queued(redis, "high") == []


def test_warming_is_given_up_where_redis_is_away(redis_away: None, crm: Crm):
    account = an_account_for_login(crm)

    assert not warm_ahead(a_patron(crm, account))


def test_warming_that_fails_is_seen_and_leaves_the_rest_warm(redis: Redis, crm: Crm):
    account = an_account_for_login(crm)
    ada = a_patron(crm, account)
    an_account(account.organization, "http://gone.invalid/", provider="gone", max_login_age_minutes=10)
    assert jobs.prewarm_profile(str(ada.pk)) == ["json-profile"]

    ExternalProfile.objects.all().delete()
    crm.always = saying(500)
    with pytest.raises(RoundsFailed, match="json-profile: The source answered 500"):
        jobs.prewarm_profile(str(ada.pk))
