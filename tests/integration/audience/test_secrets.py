from __future__ import annotations

import logging
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro.audience import jobs
from allegro.audience.models import Member, ProviderAccount
from allegro.audience.providers import Fetched
from tests.support.burst import work_off_with_terms
from tests.support.people import a_member, an_account, an_organization, staff
from tests.support.providers import registered_as
from tests.support.sources import Crm, Mailchimp

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "Bearer canary-6f1d"


def everything_in(redis: Redis) -> str:
    """All keys of the server and what they hold."""
    found = []
    for key in redis.scan_iter():
        reader = {
            b"string": lambda key: redis.get(key),
            b"hash": lambda key: redis.hgetall(key),
            b"list": lambda key: redis.lrange(key, 0, -1),
            b"set": lambda key: redis.smembers(key),
            b"zset": lambda key: redis.zrange(key, 0, -1),
            b"stream": lambda key: redis.xrange(key),
        }[redis.type(key)]
        found.append(f"{key!r} {reader(key)!r}")
    return "\n".join(found)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def test_a_credential_is_sealed_in_the_database_and_open_to_its_source_alone(
    redis: Redis, crm: Crm, heard: pytest.LogCaptureFixture, client: Client
):
    def leaky(member: Member) -> Fetched:
        raise ValueError(f"could not log in with {SECRET}")

    account = an_account(an_organization(), f"{crm.url}/people/{{email}}", max_login_age_minutes=10)
    account.credential = crm.token = SECRET
    account.save()
    ada, bob = a_member(account.organization), a_member(account.organization, "bob@example.com")
    crm.people[ada.email] = {"level": "patron"}
    redis.flushall()
    with registered_as("leaky", leaky):
        an_account(account.organization, "", provider="leaky", max_login_age_minutes=10)
        jobs.tick()
        failed = work_off_with_terms(redis)
        crm.token = "another"
        account_jobs = jobs.sync_member
        with pytest.raises(Exception, match="does not accept"):
            account_jobs(account.pk, str(bob.pk))
        from allegro.audience.freshness import ensure_fresh_for_login

        ensure_fresh_for_login(bob)
        client.force_login(staff(is_superuser=True))
        pages = [
            client.get(reverse("admin:audience_provideraccount_change", args=[account.pk])).text,
            client.get(reverse("admin:audience_provideraccount_changelist")).text,
            client.get(reverse("admin:audience_member_change", args=[ada.pk])).text,
            client.get(reverse("admin:audience_syncrun_changelist")).text,
        ]

    assert ada.external_profiles.get(provider="json-profile").payload == {"level": "patron"}
    assert failed != []
    assert "canary" not in everything_in(redis)
    assert "canary" not in heard.text
    assert not any("canary" in page for page in pages)
    assert "canary" not in repr(list(ProviderAccount.objects.values()))
    assert not any("canary" in str(row) for row in ProviderAccount.objects.values_list())


def test_no_address_of_a_member_is_in_a_job(redis: Redis, crm: Crm):
    account = an_account(an_organization(), f"{crm.url}/people/{{email}}")
    a_member(account.organization, "ada@example.com")
    redis.flushall()

    jobs.tick()
    work_off_with_terms(redis)
    jobs.evaluate_organization(account.organization_id)

    assert "ada@example.com" not in everything_in(redis)


def test_an_error_of_mailchimp_holds_no_key(mailchimp: Mailchimp):
    account = an_account(an_organization(), f"{mailchimp.url}/3.0", provider="mailchimp", list_id=mailchimp.list_id)
    account.credential = "canary0123-us21"
    account.save()

    with pytest.raises(Exception, match="answered 401") as failure:
        jobs.sync_member(account.pk, str(a_member(account.organization).pk))

    assert "canary" not in "".join(map(repr, [failure.value, failure.value.__cause__]))


def test_keys_are_changed_without_losing_a_credential(settings: Any):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [old]
    account = an_account(an_organization(), "http://crm.invalid/{email}")
    account.credential = SECRET
    account.save()
    an_account(an_organization("elsewhere"), "http://crm.invalid/{email}")

    settings.CREDENTIAL_KEYS = [new, old]
    out = StringIO()
    call_command("reseal_credentials", stdout=out)
    settings.CREDENTIAL_KEYS = [new]

    assert out.getvalue() == "Sealed 1 credential anew.\n"
    assert ProviderAccount.objects.get(pk=account.pk).credential == SECRET


def test_a_credential_whose_key_is_gone_is_told_and_fails_its_provider_alone(settings: Any, redis: Redis, crm: Crm):
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    account = an_account(an_organization(), f"{crm.url}/people/{{email}}")
    account.credential = SECRET
    account.save()
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match=f"No key opens what is stored of: provider account {account.pk}"):
        call_command("reseal_credentials", stdout=StringIO())
    with pytest.raises(Exception, match="Put that key back at the end of CREDENTIAL_KEYS"):
        jobs.sync_member(account.pk, str(a_member(account.organization).pk))

    assert crm.asked == []
