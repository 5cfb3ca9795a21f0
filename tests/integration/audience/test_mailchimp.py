from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from redis import Redis

from allegro.audience import jobs
from allegro.audience.mailchimp import MailchimpProvider
from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRound, SyncRun
from allegro.audience.profiles import store
from allegro.audience.providers import Fetched, ProviderFailed
from tests.support.burst import work_off_with_terms
from tests.support.people import a_member, an_account, an_organization
from tests.support.sources import Mailchimp

pytestmark = pytest.mark.django_db(transaction=True)


def a_mailchimp_account(mailchimp: Mailchimp, **fields: Any) -> ProviderAccount:
    fields = {"list_id": mailchimp.list_id, **fields}
    account = an_account(an_organization(), f"{mailchimp.url}/3.0", provider="mailchimp", **fields)
    account.credential = mailchimp.key
    account.full_clean()
    account.save()
    return account


def said(level: str, last_changed: str = "2026-03-01T12:00:00+00:00") -> dict[str, Any]:
    return {"merge_fields": {"FNAME": "Ada", "LEVEL": level}, "vip": False, "last_changed": last_changed}


def sync(account: ProviderAccount, member: Member) -> str:
    return jobs.sync_member(account.pk, str(member.pk))


def test_a_members_merge_fields_are_kept_and_nothing_that_was_not_asked_for(mailchimp: Mailchimp):
    account = a_mailchimp_account(mailchimp)
    ada = a_member(account.organization)
    mailchimp.members[ada.email] = said("gold")

    assert sync(account, ada) == "synced"

    assert ExternalProfile.objects.get().payload == {
        "status": "subscribed",
        "merge_fields": {"FNAME": "Ada", "LEVEL": "gold"},
        "vip": False,
    }
    assert "ip_opt" not in mailchimp.asked[0].query


def test_an_older_answer_does_not_replace_a_newer_one(mailchimp: Mailchimp):
    account = a_mailchimp_account(mailchimp)
    ada = a_member(account.organization)
    mailchimp.members[ada.email] = said("gold")
    sync(account, ada)

    mailchimp.members[ada.email] = said("silver", "2026-02-28T12:00:00+00:00")
    sync(account, ada)

    assert ExternalProfile.objects.get().payload["merge_fields"]["LEVEL"] == "gold"


def test_somebody_who_is_not_in_the_audience_is_unknown_which_is_an_answer(mailchimp: Mailchimp):
    account = a_mailchimp_account(mailchimp)

    assert sync(account, a_member(account.organization)) == "synced"
    assert sync(account, a_member(account.organization, "bob@example.com")) == "synced"

    assert [each.payload for each in ExternalProfile.objects.all()] == [{}, {}]
    # That there is such an audience is made sure of once, and not for each of them.
    assert [each.path for each in mailchimp.asked].count(f"/3.0/lists/{mailchimp.list_id}") == 1


def test_a_wrong_audience_empties_nobodys_profile(mailchimp: Mailchimp):
    account = a_mailchimp_account(mailchimp, list_id="ffffffffff")
    ada = a_member(account.organization)
    from django.utils import timezone

    store(ada, "mailchimp", Fetched(payload={"status": "subscribed"}), timezone.now())

    with pytest.raises(ProviderFailed, match="Mailchimp knows no audience ffffffffff"):
        sync(account, ada)

    assert ExternalProfile.objects.get().payload == {"status": "subscribed"}


def test_a_key_that_is_not_accepted_is_said(mailchimp: Mailchimp):
    account = a_mailchimp_account(mailchimp)
    mailchimp.key = "another-us21"

    with pytest.raises(ProviderFailed, match="answered 401"):
        sync(account, a_member(account.organization))


def test_an_audience_of_thousands_is_read_page_by_page(redis: Redis, mailchimp: Mailchimp):
    account = a_mailchimp_account(mailchimp, read_list=True)
    for number in range(2500):
        mailchimp.members[f"reader-{number}@example.com"] = said("gold")
    Member.objects.bulk_create(
        Member(organization=account.organization, email=f"reader-{number}@example.com") for number in range(1000, 2501)
    )
    redis.flushall()

    jobs.evaluate_organization(account.organization_id)
    assert work_off_with_terms(redis) == []

    pages = [each for each in mailchimp.asked if each.path.endswith("/members")]
    assert len(pages) == 3
    assert ["offset=0" in pages[0].query, "offset=1000" in pages[1].query, "offset=2000" in pages[2].query] == [
        True
    ] * 3
    done = SyncRound.objects.get()
    # Only reader-2500, who is in no list, was left to ask for.
    assert (done.pages, done.listed, done.dispatched) == (3, 1500, 1)
    assert ExternalProfile.objects.filter(payload__merge_fields__LEVEL="gold").count() == 1500


def test_too_many_questions_at_once_are_put_off(redis: Redis, mailchimp: Mailchimp):
    account = a_mailchimp_account(mailchimp)
    mailchimp.at_once = 10

    assert sync(account, a_member(account.organization)).startswith("put off")

    run = SyncRun.objects.get()
    assert (run.failures_in_a_row, run.busy_until is not None) == (0, True)


@pytest.mark.parametrize(
    ("fields", "key", "reason"),
    [
        ({"list_id": ""}, "0123-us21", "audience's id"),
        ({"list_id": "../other"}, "0123-us21", "audience's id"),
        ({}, "0123", "must end in its data centre"),
        ({}, "0123-us21.evil.example/", "must end in its data centre"),
        ({"url": "https://evil.example/3.0"}, "0123-us21", "sent to hosts under api.mailchimp.com only"),
        ({"url": "http://us21.api.mailchimp.com/3.0"}, "0123-us21", "must begin with https"),
        ({"url": "https://us21.api.mailchimp.com.evil.example/"}, "0123-us21", "under api.mailchimp.com only"),
    ],
)
def test_an_account_that_makes_no_sense_or_leads_astray_is_refused(
    settings: Any, fields: dict[str, str], key: str, reason: str
):
    settings.IS_LOCAL = False
    account = ProviderAccount(**{"list_id": "a1b2c3d4e5", **fields})
    account.credential = key

    with pytest.raises(ValidationError, match=reason):
        MailchimpProvider(account).check_account()


def test_the_data_centre_is_the_keys():
    account = ProviderAccount(list_id="a1b2c3d4e5")
    account.credential = "0123456789abcdef-us21"
    provider = MailchimpProvider(account)
    provider.check_account()

    assert provider.address("/members") == "https://us21.api.mailchimp.com/3.0/lists/a1b2c3d4e5/members"
