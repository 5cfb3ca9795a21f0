"""A member's page in the admin site: what was done about them, as far as whoever looks may see it."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from allegro.audience.models import Member, SyncRound
from allegro.magic_links.models import MagicLink
from allegro.member_page import SHOWN
from allegro.webhooks.models import Event
from allegro.webhooks.publishing import publish
from allegro_queue.stores import Stores
from tests.support.hooks import an_endpoint
from tests.support.people import a_member, an_account, an_organization, staff
from tests.support.runs import collected, run_record

pytestmark = pytest.mark.django_db(transaction=True)


def page_of(member: Member) -> str:
    return reverse("admin:audience_member_change", args=[member.pk])


@pytest.fixture
def admin(client: Client, redis: Redis) -> Client:
    client.force_login(staff(is_superuser=True))
    return client


def rows_of(client: Client, member: Member, heading: str) -> list[list[str]]:
    """The texts of one part's rows."""
    (part,) = [each for each in client.get(page_of(member)).context["parts"] if each.heading == heading]
    return [[cell.text for cell in row] for row in part.rows]


def call_about(member: object) -> str:
    """A call of ``sync_member``, off whose argument the tag is read."""
    return json.dumps([[1, str(member)], {}])


def test_rounds_say_whether_they_have_come_to_the_member(admin: Client):
    account = an_account(an_organization(), "http://crm.invalid/{email}")
    before = timezone.now()
    ada = a_member(account.organization)
    now = timezone.now()
    for number, fields in enumerate(
        ({}, {"cursor": ada.pk}, {"dispatched_at": now}, {"started_at": before - timedelta(days=1)})
    ):
        SyncRound.objects.create(account=account, **{"started_at": now + timedelta(seconds=number), **fields})

    assert [row[2] for row in rows_of(admin, ada, "Rounds")] == ["Reached", "Reached", "Not reached yet"]


def test_deliveries_of_events_about_the_member_lead_to_their_pages(admin: Client):
    news = an_organization()
    an_endpoint(news, "http://hook.invalid/", description="<b>Billing</b>")
    ada, bob = a_member(news), a_member(news, "bob@example.com")

    text = admin.get(page_of(ada)).text

    (delivery,) = Event.objects.get(member=ada).deliveries.all()
    assert [row[1:4] for row in rows_of(admin, ada, "Webhook deliveries")] == [
        ["audience_member.created", "<b>Billing</b>", "Pending"]
    ]
    assert reverse("admin:webhooks_delivery_change", args=[delivery.pk]) in text
    assert "&lt;b&gt;Billing" in text
    assert "<b>Billing" not in text
    assert str(Event.objects.get(member=bob).deliveries.get().pk) not in text


def test_links_of_the_members_address_are_shown_and_of_no_other(admin: Client):
    news, other = an_organization(), an_organization("elsewhere")
    ada = a_member(news)
    MagicLink.objects.create(organization=news, email=ada.email, token_hash="canary")
    MagicLink.objects.create(organization=other, email=ada.email)
    MagicLink.objects.create(organization=news, email="bob@example.com")

    assert len(rows_of(admin, ada, "Sign-in links")) == 1
    assert "canary" not in admin.get(page_of(ada)).text


def test_runs_with_the_members_tag_lead_to_horizon(admin: Client, stores: Stores):
    ada = a_member(an_organization())
    now = time.time()
    collected(
        stores,
        run_record(now, job_id="about-ada", name="allegro.audience.jobs.sync_member", call=call_about(ada.pk)),
        run_record(now, job_id="about-another", name="allegro.audience.jobs.sync_member", call=call_about("another")),
    )

    assert [row[1:3] for row in rows_of(admin, ada, "Runs of jobs")] == [["sync_member", "succeeded"]]
    text = admin.get(page_of(ada)).text
    assert "/horizon/jobs/about-ada/" in text
    assert f"/horizon/jobs/?tag=member:{ada.pk}" in text
    found = admin.get(f"/horizon/jobs/?tag=member:{ada.pk}").text
    assert "about-ada" in found
    assert "about-another" not in found


def test_who_may_not_see_a_part_is_not_shown_it(client: Client):
    ada = a_member(an_organization())
    looker = staff("looker@example.com")
    looker.user_permissions.add(Permission.objects.get(codename="view_member"))
    client.force_login(looker)

    def headings() -> list[str]:
        answer = client.get(page_of(ada), REMOTE_ADDR="192.0.2.1")
        assert answer.status_code == 200
        return [each.heading for each in answer.context["parts"]]

    assert headings() == []
    looker.user_permissions.add(Permission.objects.get(codename="view_delivery"))
    assert headings() == ["Webhook deliveries"]


@pytest.mark.parametrize("number", [1, 40])
def test_the_page_takes_as_many_queries_for_much_as_for_little(
    admin: Client, django_assert_max_num_queries: Any, number: int
):
    account = an_account(an_organization(), "http://crm.invalid/{email}")
    an_endpoint(account.organization, "http://hook.invalid/")
    ada = a_member(account.organization)
    for _ in range(number):
        SyncRound.objects.create(account=account)
        MagicLink.objects.create(organization=account.organization, email=ada.email)
        publish(account.organization, "audience_member.created", {}, ada)

    with django_assert_max_num_queries(16):
        parts = admin.get(page_of(ada)).context["parts"]

    assert all(len(part.rows) <= SHOWN for part in parts)


def test_a_member_who_is_deleted_leaves_the_events_that_were_sent(admin: Client):
    news = an_organization()
    ada = a_member(news)

    assert admin.post(reverse("admin:audience_member_delete", args=[ada.pk]), {"post": "yes"}).status_code == 302

    event = Event.objects.get()
    assert (event.member, event.data["email"]) == (None, "ada@example.com")
