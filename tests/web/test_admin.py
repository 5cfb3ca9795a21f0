from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from allegro.accounts.models import StaffLink, User
from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRound, SyncRun
from allegro.magic_links.models import MagicLink, MailTemplate
from allegro.mail_accounts.models import MailAccount
from allegro.organizations.models import Organization
from allegro.webhooks.models import Breaker, Delivery, Endpoint, Event
from tests.support.burst import queued, work_off
from tests.support.people import a_member, an_account, an_organization, staff

pytestmark = pytest.mark.django_db(transaction=True)

EDITABLE = [User, Organization, Member, ProviderAccount, Endpoint, MailTemplate, MailAccount]
HISTORY = [ExternalProfile, SyncRun, SyncRound, MagicLink, StaffLink, Event, Delivery, Breaker]


@pytest.fixture
def admin(client: Client, redis: Redis) -> Client:
    """A super user's browser, and one row of every model."""
    client.force_login(staff(is_superuser=True))
    news = an_organization()
    member = a_member(news)
    account = an_account(news, "http://crm.invalid/{email}")
    ExternalProfile.objects.create(member=member, provider="json-profile", payload={"level": "<b>patron</b>"})
    SyncRun.objects.create(organization=news, provider="json-profile")
    SyncRound.objects.create(account=account)
    MagicLink.objects.create(organization=news, email="ada@example.com", token_hash="a-hash-of-a-token")
    Endpoint.objects.create(organization=news, url="http://hook.invalid/")
    StaffLink.objects.create(email="sam@alley.com", token_hash="a-hash-of-a-token")
    MailTemplate.objects.create(organization=news, subject="Hello", text="{% sign_in_link %}")
    MailAccount.objects.create(organization=news, service="smtp", host="mail.invalid", enabled=False)
    Breaker.objects.create(organization=news, host="hook.invalid", silences=3)
    return client


def page(model: Any, name: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def test_every_model_of_the_product_is_in_the_admin_site():
    ours = {model for model in apps.get_models() if model.__module__.startswith("allegro.")}

    assert {model for model in ours if django_admin.site.is_registered(model)} == {*EDITABLE, *HISTORY}
    assert {model.__name__ for model in ours} - {model.__name__ for model in (*EDITABLE, *HISTORY)} == {
        "Attempt",
        "ReceivedCall",
    }


@pytest.mark.parametrize("model", [*EDITABLE, *HISTORY])
def test_every_list_and_every_row_opens(admin: Client, model: Any):
    row = model.objects.first()

    assert admin.get(page(model, "changelist"), {"q": "ada"}).status_code == 200
    answer = admin.get(page(model, "change", row.pk))

    assert answer.status_code == 200
    assert "a-hash-of-a-token" not in answer.text
    assert "<b>patron" not in answer.text


@pytest.mark.parametrize("model", EDITABLE)
def test_what_can_be_edited_can_be_added(admin: Client, model: Any):
    assert admin.get(page(model, "add")).status_code == 200


@pytest.mark.parametrize("model", HISTORY)
def test_history_can_be_read_and_not_written(admin: Client, model: Any):
    row = model.objects.first()

    assert admin.get(page(model, "add")).status_code == 403
    assert admin.post(page(model, "change", row.pk), {}).status_code == 403


@pytest.mark.parametrize("model", [each for each in HISTORY if each is not Breaker])
def test_history_goes_with_what_it_belongs_to_and_not_by_hand(admin: Client, model: Any):
    row = model.objects.first()
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}

    assert admin.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    admin.post(page(model, "changelist"), chosen)
    assert model.objects.filter(pk=row.pk).exists()

    answer = admin.post(page(Organization, "delete", Organization.objects.get().pk), {"post": "yes"})
    assert answer.status_code == 302
    assert model.objects.exists() == (model is StaffLink)


def test_a_host_is_tried_again_at_once_when_what_is_known_of_it_is_deleted(admin: Client):
    assert admin.post(page(Breaker, "delete", Breaker.objects.get().pk), {"post": "yes"}).status_code == 302

    assert not Breaker.objects.exists()


def test_every_list_can_be_searched_and_filtered(admin: Client):
    for model in (*EDITABLE, *HISTORY):
        ours = django_admin.site._registry[model]
        assert ours.search_fields, model
        assert ours.list_filter or model in (Organization, MailTemplate), model


def test_the_list_of_organizations_says_whose_sign_in_mail_is_their_own(admin: Client):
    an_organization("elsewhere")

    rows = admin.get(page(Organization, "changelist"), {"o": "6"}).context["cl"].queryset

    assert [(row.slug, row.has_own_mail) for row in rows] == [("elsewhere", False), ("city-news", True)]
    text = admin.get(page(Organization, "changelist")).text
    assert "Default" in text
    assert "Customized" in text


def test_a_member_is_added_in_one_form_of_address_and_not_twice(admin: Client):
    fields = {
        "organization": Organization.objects.get().pk,
        "email": "New@Example.com",
        "name": "New",
        "external_profiles-TOTAL_FORMS": 0,
        "external_profiles-INITIAL_FORMS": 0,
    }

    assert admin.post(page(Member, "add"), fields).status_code == 302
    assert Member.objects.filter(email="new@example.com").exists()
    again = admin.post(page(Member, "add"), {**fields, "email": "NEW@example.com"})
    assert "This organization has a member with this address." in again.text


def test_a_wrong_url_is_refused_with_the_reason(admin: Client, settings):
    settings.IS_LOCAL = False
    news = Organization.objects.get().pk

    endpoint = {"organization": news, "url": "http://example.com/", "all_events": "on", "active": "on"}
    assert "The URL must begin with https://." in admin.post(page(Endpoint, "add"), endpoint).text
    account = {"organization": news, "provider": "json-profile", "url": "https://crm.example/", "refresh_minutes": 60}
    assert "The URL must hold {email}" in admin.post(page(ProviderAccount, "add"), account).text
    assert Endpoint.objects.count() == 1


def test_an_endpoint_is_added_for_chosen_events_and_pinged(admin: Client):
    fields = {
        "organization": Organization.objects.get().pk,
        "url": "http://127.0.0.1:1/hook",
        "description": "Billing",
        "events": ["audience_member.created"],
        "active": "on",
    }

    answer = admin.post(page(Endpoint, "add"), fields)

    endpoint = Endpoint.objects.get(description="Billing")
    assert (endpoint.all_events, endpoint.events) == (False, ["audience_member.created"])
    assert [each.event.type for each in endpoint.deliveries.all()] == ["ping"]
    secret = endpoint.secrets_in_force(timezone.now())[0]
    assert secret in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in admin.get(page(Endpoint, "change", endpoint.pk)).text
    refused = admin.post(page(Endpoint, "add"), {**fields, "events": []})
    assert "Choose at least one kind of event, or all." in refused.text


def test_a_sixth_endpoint_is_refused_on_the_form(admin: Client):
    news = Organization.objects.get()
    for number in range(4):
        Endpoint.objects.create(organization=news, url=f"http://hook-{number}.invalid/")

    fields = {"organization": news.pk, "url": "http://hook-6.invalid/", "all_events": "on"}

    assert "at most 5 webhook endpoints" in admin.post(page(Endpoint, "add"), fields).text


def test_a_user_is_added_with_a_password_and_is_not_verified(admin: Client):
    fields = {
        "email": "new@alley.com",
        "name": "New",
        "usable_password": "true",
        "password1": "a long pass phrase",
        "password2": "a long pass phrase",
    }

    assert admin.post(page(User, "add"), fields).status_code == 302

    user = User.objects.get(email="new@alley.com")
    assert user.check_password("a long pass phrase")
    assert not user.is_staff
    assert not user.is_email_verified


def test_no_form_verifies_an_address_and_changing_it_drops_the_verification(admin: Client):
    user = User.objects.get()
    fields = {"email": "else@alley.com", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    forged = {"email_verified_at_0": "2026-01-01", "email_verified_at_1": "10:00", "verified_email": "else@alley.com"}

    assert admin.post(page(User, "change", user.pk), {**fields, **forged}).status_code == 302

    user.refresh_from_db()
    assert user.email == "else@alley.com"
    assert not user.is_email_verified
    assert "sam@alley.com was, and the address has changed since" in admin.get(page(User, "change", user.pk)).text


def test_staff_who_may_edit_users_can_neither_raise_themselves_nor_touch_a_superuser(admin: Client):
    boss = User.objects.get()
    clerk = staff("clerk@alley.com")
    clerk.user_permissions.add(*Permission.objects.filter(content_type__app_label="accounts"))
    browser = Client()
    browser.force_login(clerk)

    raising = {"email": clerk.email, "is_active": "on", "is_superuser": "on", "is_staff": "on"}
    assert browser.post(page(User, "change", clerk.pk), raising).status_code == 302
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    assert browser.post(page(User, "change", boss.pk), {"email": "clerk2@alley.com"}).status_code == 403
    new = {"usable_password": "true", "password1": "another pass phrase", "password2": "another pass phrase"}
    assert browser.post(reverse("admin:auth_user_password_change", args=[boss.pk]), new).status_code == 403
    assert browser.post(page(User, "delete", boss.pk), {"post": "yes"}).status_code == 403


def test_a_verified_address_is_shown_as_such(admin: Client):
    text = admin.get(page(User, "change", User.objects.get().pk)).text

    assert f"Verified on {timezone.now():%Y-%m-%d}" in text
    assert "Yes: this account may see Horizon." in text


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example/", "javascript:alert(1)"]
)
def test_a_sign_in_that_would_lead_to_another_site_leads_to_the_admin_site(redis: Redis, elsewhere: str):
    user = staff(is_superuser=True)
    browser = Client()

    fields = {"username": user.email, "password": "a long pass phrase", "next": elsewhere}
    answer = browser.post(reverse("admin:login"), fields)

    assert answer.headers["Location"] == reverse("admin:index")


def test_a_new_secret_is_made_by_a_post_and_shown_once(admin: Client):
    endpoint = Endpoint.objects.get()
    address = reverse("admin:webhooks_endpoint_new_secret", args=[endpoint.pk])
    old = endpoint.secrets_in_force(timezone.now())

    asking = admin.get(address)
    endpoint.refresh_from_db()
    assert asking.status_code == 200
    assert endpoint.secrets_in_force(timezone.now()) == old

    shown = admin.post(address)
    endpoint.refresh_from_db()
    new, *former = endpoint.secrets_in_force(timezone.now())
    assert former == old
    assert new in shown.text
    assert old[0] not in shown.text
    assert new not in admin.get(address).text


def test_a_secret_is_changed_by_nobody_who_may_not_change_endpoints(admin: Client):
    endpoint = Endpoint.objects.get()
    viewer = staff("viewer@alley.com")
    viewer.user_permissions.add(*Permission.objects.filter(codename__in=["view_endpoint", "view_delivery"]))
    browser = Client()
    browser.force_login(viewer)

    assert browser.post(reverse("admin:webhooks_endpoint_new_secret", args=[endpoint.pk])).status_code == 403
    assert "Deliver again" not in browser.get(page(Delivery, "changelist")).text


def test_deliveries_are_sent_again_from_their_list(admin: Client, redis: Redis):
    delivery = Delivery.objects.get()
    Delivery.objects.update(state="failed")
    redis.flushall()

    answer = admin.post(
        page(Delivery, "changelist"), {"action": "deliver_again", "_selected_action": [str(delivery.pk)]}, follow=True
    )

    assert "1 delivery queued again." in answer.text
    assert queued(redis, "default") == [("allegro.webhooks.jobs.deliver", (str(delivery.pk),))]


def test_a_template_is_checked_before_it_is_kept(admin: Client):
    template = MailTemplate.objects.get()
    fields = {"subject": "Hello {% nam %}", "text": "No link", "html": "<p>{% sign_in_link %}</p>"}

    text = admin.post(page(MailTemplate, "change", template.pk), fields).text

    assert "There is no placeholder &#x27;nam&#x27;" in text
    assert "The link is missing; put {% sign_in_link %} where it should stand." in text
    template.refresh_from_db()
    assert template.subject == "Hello"


def test_a_template_is_mailed_to_whoever_looks_at_it_and_opens_nothing(admin: Client, redis: Redis):
    template = MailTemplate.objects.get()

    answer = admin.post(
        page(MailTemplate, "changelist"), {"action": "send_test", "_selected_action": [template.pk]}, follow=True
    )
    assert work_off(redis, ["high"]) == []

    assert "1 test mail queued for sam@alley.com." in answer.text
    (message,) = mail.outbox
    assert message.recipients() == ["sam@alley.com"]
    assert message.subject == "[Test] Hello"
    link = str(message.body).removeprefix("http://testserver")
    assert Client().get(link).status_code == 410
