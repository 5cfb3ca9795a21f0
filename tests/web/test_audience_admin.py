from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from allegro.audience import by_hand
from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRound, SyncRun
from tests.support.burst import queued
from tests.support.people import a_member, an_account, an_organization, staff

pytestmark = pytest.mark.django_db(transaction=True)

MEMBERS = "admin:audience_member_changelist"
ACCOUNTS = "admin:audience_provideraccount_changelist"


@pytest.fixture
def admin(client: Client, redis: Redis) -> Client:
    client.force_login(staff(is_superuser=True))
    redis.flushall()
    return client


def act(admin: Client, page: str, action: str, *rows: Any) -> Any:
    fields = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return admin.post(reverse(page), fields, follow=True)


def test_chosen_members_are_synced_now_with_every_enabled_provider(admin: Client, redis: Redis):
    news = an_organization()
    account = an_account(news, "http://crm.invalid/{email}")
    an_account(news, "http://crm.invalid/{email}", provider="off", enabled=False)
    ada, bob, _ = (a_member(news, f"{name}@example.com") for name in ("ada", "bob", "cyd"))
    redis.flushall()

    answer = act(admin, MEMBERS, "sync_now", ada, bob)
    again = act(admin, MEMBERS, "sync_now", ada)

    assert "2 jobs queued on audience-sync." in answer.text
    assert "0 jobs queued" in again.text
    assert sorted(queued(redis, "audience-sync")) == sorted(
        ("allegro.audience.jobs.sync_member", (account.pk, str(each.pk))) for each in (ada, bob)
    )


def test_looking_at_a_list_queues_nothing(admin: Client, redis: Redis):
    news = an_organization()
    account = an_account(news, "http://crm.invalid/{email}")
    ada = a_member(news)
    redis.flushall()

    admin.get(reverse(MEMBERS), {"action": "sync_now", "_selected_action": str(ada.pk)})
    admin.get(reverse(ACCOUNTS), {"action": "start_round", "_selected_action": str(account.pk)})

    assert queued(redis, "audience-sync") == []


def test_too_many_members_are_refused_at_once(admin: Client, redis: Redis, monkeypatch):
    monkeypatch.setattr(by_hand, "MOST_MEMBERS", 1)
    news = an_organization()
    an_account(news, "http://crm.invalid/{email}")
    ada, bob = a_member(news), a_member(news, "bob@example.com")
    redis.flushall()

    assert "start a round of its provider" in act(admin, MEMBERS, "sync_now", ada, bob).text
    assert queued(redis, "audience-sync") == []


def test_staff_who_may_only_look_are_offered_no_action(client: Client, redis: Redis):
    user = staff("vera@alley.com")
    user.user_permissions.add(Permission.objects.get(codename="view_member"))
    client.force_login(user)
    news = an_organization()
    an_account(news, "http://crm.invalid/{email}")
    ada = a_member(news)
    redis.flushall()

    act(client, MEMBERS, "sync_now", ada)

    assert "sync_now" not in client.get(reverse(MEMBERS)).text
    assert queued(redis, "audience-sync") == []


def test_members_are_found_by_how_their_sync_went(admin: Client):
    news = an_organization()
    for name in ("well", "failed", "waiting", "never"):
        a_member(news, f"{name}@example.com")
    now = timezone.now()
    for name, fields in {
        "well": {"synced_at": now},
        "failed": {"failed_at": now, "error": "The source answered 500."},
        "waiting": {"ask_again_at": now},
    }.items():
        member = Member.objects.get(email=f"{name}@example.com")
        ExternalProfile.objects.create(member=member, provider="json-profile", **fields)

    def found(value: str) -> list[str]:
        return [each.email for each in admin.get(reverse(MEMBERS), {"sync": value}).context["cl"].queryset]

    assert found("failed") == ["failed@example.com"]
    assert found("put-off") == ["waiting@example.com"]
    assert found("never") == ["never@example.com"]


def test_a_round_is_started_by_hand_and_only_one_at_a_time(admin: Client, redis: Redis):
    account = an_account(an_organization(), "http://crm.invalid/{email}")
    off = an_account(account.organization, "http://crm.invalid/{email}", provider="off", enabled=False)

    first = act(admin, ACCOUNTS, "start_round", account, off)
    second = act(admin, ACCOUNTS, "start_round", account)

    assert "Json-profile for City News: a round begins." in first.text
    assert "Off for City News: not begun; the account is switched off." in first.text
    assert "not begun; one is being dispatched already." in second.text
    step = SyncRound.objects.get()
    assert step.by_hand
    assert queued(redis, "audience-sync") == [("allegro.audience.jobs.continue_round", (str(step.pk), "even"))]


def test_an_action_says_so_when_redis_is_away(client: Client, redis_away: None):
    client.force_login(staff(is_superuser=True))
    account = an_account(an_organization(), "http://crm.invalid/{email}")

    assert "did not answer" in act(client, ACCOUNTS, "start_round", account).text


def test_accounts_say_how_they_stand_and_when_they_are_due(admin: Client):
    now = timezone.now()
    stands = {
        "one": {},
        "two": {"last_success_at": now, "last_dispatched_at": now},
        "three": {"failures_in_a_row": 4, "last_failure_at": now, "last_error": "The source answered 500."},
        "four": {"busy_until": now + timedelta(minutes=1), "last_dispatched_at": now - timedelta(days=1)},
    }
    for slug, fields in stands.items():
        account = an_account(an_organization(slug), "http://crm.invalid/{email}", refresh_minutes=60)
        SyncRun.objects.create(organization=account.organization, provider=account.provider, **fields)

    text = admin.get(reverse(ACCOUNTS)).text

    for words in (
        "Not asked yet",
        "Answers",
        "Failing: 4 times in a row",
        "The source answered 500.",
        "Asked to be left alone until",
        "With the next tick",
        f"{now + timedelta(hours=1):%Y-%m-%d %H:%M}",
    ):
        assert words in text


def test_a_credential_is_taken_kept_and_forgotten_and_never_shown(admin: Client):
    account = an_account(an_organization(), "http://crm.invalid/{email}")
    page = reverse("admin:audience_provideraccount_change", args=[account.pk])
    fields = {
        "organization": account.organization_id,
        "provider": account.provider,
        "url": account.url,
        "credential_header": "Authorization",
        "refresh_minutes": 60,
        "enabled": "on",
    }

    def save(**more: str) -> str:
        answer = admin.post(page, {**fields, **more})
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        return ProviderAccount.objects.get().credential

    assert save(new_credential="Bearer canary") == "Bearer canary"
    assert save() == "Bearer canary"
    shown = admin.get(page).text
    assert "Stored, sealed." in shown
    assert "canary" not in shown
    assert ProviderAccount.objects.get().sealed_credential not in shown
    assert save(forget_credential="on") == ""
    assert "A credential is one line" in admin.post(page, {**fields, "new_credential": "a\r\nX-Evil: 1"}).text


@pytest.mark.parametrize("change", [{"url": "http://thief.example/{email}"}, {"credential_header": "X-Key"}])
def test_a_stored_credential_is_sent_nowhere_else_by_somebody_who_does_not_know_it(
    admin: Client, change: dict[str, str]
):
    account = an_account(an_organization(), "http://crm.invalid/{email}")
    account.credential = "Bearer canary"
    account.save()
    page = reverse("admin:audience_provideraccount_change", args=[account.pk])
    fields = {
        "organization": account.organization_id, "provider": account.provider, "url": account.url,
        "credential_header": account.credential_header, "refresh_minutes": 60, "enabled": "on", **change,
    }  # fmt: skip

    assert "give the credential again" in admin.post(page, fields).text
    assert ProviderAccount.objects.get().url == account.url
    assert admin.post(page, {**fields, "new_credential": "Bearer other"}).status_code == 302
    assert ProviderAccount.objects.get().credential == "Bearer other"


def test_a_mailchimp_account_is_refused_without_its_key_and_taken_with_it(admin: Client):
    page = reverse("admin:audience_provideraccount_add")
    fields = {
        "organization": an_organization().pk,
        "provider": "mailchimp",
        "list_id": "a1b2c3d4e5",
        "refresh_minutes": 60,
    }

    assert "must end in its data centre" in admin.post(page, fields).text
    assert admin.post(page, {**fields, "new_credential": "0123456789abcdef-us21"}).status_code == 302
    assert ProviderAccount.objects.get().credential == "0123456789abcdef-us21"


def test_organizations_show_their_members_and_providers(admin: Client):
    news = an_organization()
    an_account(news, "http://crm.invalid/{email}")
    an_account(news, "http://crm.invalid/{email}", provider="off", enabled=False)
    a_member(news)
    a_member(news, "bob@example.com")
    an_organization("empty")

    (row, empty) = admin.get(reverse("admin:organizations_organization_changelist"), {"o": "-4"}).context["cl"].queryset

    assert (row.member_count, row.provider_count) == (2, 1)
    assert (empty.member_count, empty.provider_count) == (0, 0)


def test_a_members_page_shows_what_the_sources_said(admin: Client):
    ada = a_member(an_organization())
    ExternalProfile.objects.create(
        member=ada, provider="json-profile", payload={"level": "<i>patron</i>"}, error="The source answered 500."
    )

    text = admin.get(reverse("admin:audience_member_change", args=[ada.pk])).text

    assert "&lt;i&gt;patron&lt;/i&gt;" in text
    assert "The source answered 500." in text


@pytest.mark.parametrize("number", [3, 30])
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    admin: Client, django_assert_max_num_queries: Any, number: int
):
    for each in range(number):
        account = an_account(an_organization(f"org-{each}"), "http://crm.invalid/{email}")
        a_member(account.organization)
        SyncRound.objects.create(account=account)

    for page, most in ((MEMBERS, 10), (ACCOUNTS, 10), ("admin:audience_syncround_changelist", 10)):
        with django_assert_max_num_queries(most):
            assert admin.get(reverse(page)).status_code == 200
