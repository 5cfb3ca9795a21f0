"""Allegro's own pages, which members and staff meet on their way in, in the reader's language."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import translation

from allegro.accounts.models import StaffLink, User
from allegro.accounts.sign_in import link_mail as staff_mail
from allegro.magic_links.mails import link_mail as magic_mail
from allegro.magic_links.models import MagicLink
from allegro.mail_accounts.jobs import a_line
from allegro.organizations.models import Organization
from tests.support import pseudo
from tests.support.mail_accounts import an_account

pytestmark = pytest.mark.django_db

DATA = {"Allegro", "Alley", "English", "nobody@example.com"}
"""Names: of the product, an organization, a language, and an address."""


@pytest.fixture
def reader(client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    Organization.objects.create(name="Alley", slug="alley")
    pseudo.speak(monkeypatch)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = pseudo.LANGUAGE
    return client


@pytest.mark.parametrize(
    "name", ["members:home", "magic-links:ask", "magic-links:validate", "accounts:sign-in", "accounts:link"]
)
def test_each_text_of_a_page_on_the_way_in_is_translated(reader: Client, name: str) -> None:
    assert left_in(reader.get(reverse(name))) == set()


@pytest.mark.parametrize("name", ["magic-links:ask", "accounts:sign-in"])
@pytest.mark.parametrize("address", ["nobody@example.com", "no address"])
def test_each_text_of_an_answer_to_a_form_is_translated(reader: Client, name: str, address: str) -> None:
    assert left_in(reader.post(reverse(name), {"email": address})) == set()


def test_each_text_is_translated_where_there_is_no_page(reader: Client) -> None:
    assert left_in(reader.get("/nothing-is-here/")) == set()


def test_a_page_runs_in_the_direction_of_its_language(client: Client) -> None:
    answer = client.get(reverse("members:home"), headers={"Accept-Language": "he"})

    assert '<html lang="he" dir="rtl">' in answer.content.decode()


@pytest.mark.urls("tests.web.test_error_pages")
def test_each_text_of_a_fault_is_translated(reader: Client) -> None:
    reader.raise_request_exception = False

    answer = reader.get("/broken/")

    assert left_in(answer) == {answer.headers["X-Request-ID"]}


def test_each_text_of_a_mail_is_translated_for_whoever_asked_for_it(reader: Client) -> None:
    organization = Organization.objects.get()
    link = MagicLink.objects.create(organization=organization, email="nobody@example.com", language=pseudo.LANGUAGE)
    staff_link = StaffLink.objects.create(email="ada@alley.com", language=pseudo.LANGUAGE)

    for message in (
        magic_mail(link, "a-token", "Ada"),
        staff_mail(staff_link, User(email="ada@alley.com"), "a-token"),
    ):
        assert pseudo.letters_outside(message.subject) == ""
        assert pseudo.letters_outside(re.sub(r"https?://\S+", "", str(message.body))) == ""
        for part in getattr(message, "alternatives", ()):
            assert {text for text, _ in pseudo.unmarked(str(part[0]))} - DATA == set()


def test_each_text_of_a_test_mail_is_translated(reader: Client) -> None:
    account = an_account(Organization.objects.get(), 25)

    with translation.override(pseudo.LANGUAGE):
        message = a_line(account, "ada@alley.com")

    assert pseudo.letters_outside(message.subject) == pseudo.letters_outside(str(message.body)) == ""


def left_in(answer: HttpResponse) -> set[str]:
    """The texts of an answer that are neither translated nor data."""
    return {text for text, _ in pseudo.unmarked(answer.content.decode())} - DATA
