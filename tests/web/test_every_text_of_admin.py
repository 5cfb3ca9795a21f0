"""No page of admin tells its reader anything in a language other than the reader's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import translation
from redis import Redis

from allegro.accounts.models import StaffLink
from allegro.audience.health import note_failure
from allegro.audience.kept_errors import error_columns
from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRound
from allegro.magic_links.models import MagicLink, MailTemplate
from allegro.organizations.models import Organization
from allegro.webhooks.models import Attempt, Breaker, Delivery, Endpoint, Event
from allegro_queue.admin import ScheduleEntryForm
from allegro_queue.models import OutboxEntry, ScheduleEntry
from allegro_queue.tellings import telling
from tests.support import pseudo
from tests.support.mail_accounts import an_account
from tests.support.people import staff

pytestmark = pytest.mark.django_db

THEN = datetime(2026, 11, 20, tzinfo=UTC)

NAMES = {
    # Of the product, the tenant and the languages, and what the rows hold.
    "Allegro", "Horizon", "Alley", "Ada", "In", "alley", "tidy", "English", "עברית", "{% sign_in_link %}",
    # Of providers and of kinds of events, as other programs know them.
    "json-profile", "mailchimp", "audience_member.created", "member.signed_in", "ping",
    # How tests keep passwords.
    "md5",
    # Whose rights there are: programs that have no translation of their names.
    "Dev | received call", "Django_Rq | Django-RQ", "Horizon | horizon",
    # Django has these three in English itself.
    "Search", "True", "False",
}  # fmt: skip

DATA = re.compile(
    # Addresses and hosts; ids; functions; options of a job; a password's beginning; moments, whose month Django names.
    r"[\w.]+@[\w.-]+(, [\d :-]+)?|(https://)?([a-z]+\.)+[a-z]+/?|[a-z_.]* ?[0-9a-f]{8}-[0-9a-f-]{27}|[a-z-]+(\.[a-z_-]+)+"
    r"|\{\"queue\".*\}|\S+\*{5,}|\d+ ב"
)


def is_data(text: str, element: str) -> bool:
    """Whether a text is the same in each language."""
    bare = text.removeprefix("›").removesuffix("| Allegro").strip(" |")
    return not bare or bare in NAMES or bool(DATA.fullmatch(bare))


@pytest.fixture
def rows() -> None:
    """One row of each table that admin shows."""
    alley = Organization.objects.create(name="Alley", slug="alley", domain="alley.example")
    ada = Member.objects.create(organization=alley, email="ada@alley.example", name="Ada", email_verified_at=THEN)
    account = ProviderAccount.objects.create(
        organization=alley, provider="json-profile", url="https://alley.example/{email}"
    )
    note_failure(account, telling("The source's answer is not JSON."), THEN)
    failed = error_columns(telling("The source's answer is not JSON."))
    SyncRound.objects.create(account=account, started_at=THEN, dispatched=3, dispatched_at=THEN, **failed)
    ExternalProfile.objects.create(member=ada, provider="json-profile", synced_at=THEN, **failed)
    an_account(alley, 25)
    MailTemplate.objects.create(organization=alley, subject="In", text="{% sign_in_link %}")
    MagicLink.objects.create(organization=alley, email="ada@alley.example", requested_at=THEN)
    StaffLink.objects.create(email="ada@alley.example", requested_at=THEN)
    endpoint = Endpoint.objects.create(organization=alley, url="https://hooks.alley.example/", rest_until=THEN)
    event = Event.objects.create(organization=alley, member=ada, type="member.signed_in", data={})
    delivery = Delivery.objects.create(event=event, endpoint=endpoint)
    Attempt.objects.create(delivery=delivery, at=THEN, status_code=500)
    Breaker.objects.create(organization=alley, host="hooks.alley.example")
    OutboxEntry.objects.create(name="shop.jobs.tidy", data=b"", held_until=THEN)
    ScheduleEntry.objects.create(name="tidy", every=60, job="shop.jobs.tidy")


def pages() -> Iterator[str]:
    """The addresses: each list, each form."""
    yield reverse("admin:index")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_add")
        row: Model | None = model._default_manager.first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])


@pytest.fixture
def reader(client: Client, rows: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    client.force_login(staff("boss@alley.com", is_superuser=True))
    pseudo.speak(monkeypatch)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = pseudo.LANGUAGE
    return client


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("accounts_user", "mail_sign_in_link"),
        ("audience_member", "sync_now"),
        ("audience_provideraccount", "start_round"),
        ("audience_provideraccount", "switch_on"),
        ("audience_provideraccount", "switch_off"),
        ("mail_accounts_mailaccount", "send_test"),
        ("magic_links_mailtemplate", "send_test"),
        ("webhooks_delivery", "deliver_again"),
    ],
)
def test_what_an_action_says_is_translated(reader: Client, redis: Redis, name: str, action: str) -> None:
    address = reverse(f"admin:{name}_changelist")
    row = next(model for model in admin.site._registry if model._meta.label_lower.replace(".", "_") == name)
    chosen = [each.pk for each in row._default_manager.all()]

    answer = reader.post(address, {"action": action, "_selected_action": chosen}, follow=True)

    said = [str(message) for message in answer.context["messages"]]
    assert said
    assert [pseudo.letters_outside(each) for each in said] == [""] * len(said)


def test_every_text_of_every_page_of_admin_is_translated_or_data(reader: Client) -> None:
    untranslated = {}
    seen = 0

    for address in pages():
        answer = reader.get(address)
        if answer.status_code != 200:
            continue
        seen += 1
        texts = pseudo.unmarked(answer.content.decode())
        if left := sorted({text for text, where in texts if not is_data(text, where[-1])}):
            untranslated[address] = left

    assert seen > 30
    assert untranslated == {}


def an_entry_with_faults() -> list[str]:
    """What the form of an entry says of one that is wrong in many ways."""
    given = {
        "name": "tidy", "cron": "now and then", "zone": "No/Where", "job": "os.system", "queue": "hihg", "args": "{}",
        "kwargs": "{}", "missed": "all", "overlap": "skip", "missed_limit": "1000",
    }  # fmt: skip
    form = ScheduleEntryForm(given)
    assert len(form.errors["__all__"]) == 7
    return list(form.errors["__all__"])


def an_account_with_faults() -> list[str]:
    """What accounts of sources say, each of one fault."""
    alley = Organization.objects.get()
    given: list[dict[str, object]] = [
        {"provider": "json-profle"},
        {"provider": "json-profile", "url": "https://crm.example/"},
        {"provider": "json-profile", "url": "https://{email}/"},
        {"provider": "json-profile", "url": "https://me:secret@crm.example/{email}"},
        {"provider": "json-profile", "url": "ftp://crm.example/{email}"},
        {"provider": "mailchimp", "list_id": "-"},
        {"provider": "mailchimp", "list_id": "a1b2c3d4e5"},
    ]
    return [said for each in given for said in complaints(ProviderAccount(organization=alley, **each))]


def an_endpoint_with_faults() -> list[str]:
    """The same of endpoints."""
    alley = Organization.objects.get()
    urls = ("ftp://hooks.example/", "https://me:secret@hooks.example/", "https://hooks.example:99999/", "https://xn--/")
    found = [complaints(Endpoint(organization=alley, url=url, all_events=True)) for url in urls]
    unknown = Endpoint(organization=alley, url="https://hooks.example/", all_events=False, events=["member.signed_on"])
    return [said for each in (*found, complaints(unknown)) for said in each]


def complaints(row: Model) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        row.clean()
    return raised.value.messages


@pytest.mark.parametrize("faults", [an_entry_with_faults, an_account_with_faults, an_endpoint_with_faults])
def test_what_is_wrong_with_a_form_is_translated(reader: Client, faults: Callable[[], list[str]]) -> None:
    with translation.override(pseudo.LANGUAGE):
        said = faults()

    assert len(said) > 4
    assert [pseudo.letters_outside(each) for each in said] == [""] * len(said)
