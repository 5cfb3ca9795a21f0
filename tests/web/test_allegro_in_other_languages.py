"""Allegro's own pages, which members and staff meet on their way in, in the reader's language."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from allegro.organizations.models import Organization
from tests.support import pseudo

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


def left_in(answer: HttpResponse) -> set[str]:
    """The texts of an answer that are neither translated nor data."""
    return {text for text, _ in pseudo.unmarked(answer.content.decode())} - DATA
