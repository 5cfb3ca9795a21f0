"""Telling Horizon processes what to do from the page of workers."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from allegro_queue.access import Access
from allegro_queue.activity.models import Activity
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control
from tests.support import records, scenes

pytestmark = pytest.mark.django_db

MASTER = "web-1-4102"


def tell(client: Client, **form: str) -> str:
    """Send a word; what the next page will say."""
    answer = client.post(reverse("horizon:control"), {"master": MASTER, "reason": "deploy", **form})
    assert answer.status_code == 302
    return str(list(get_messages(answer.wsgi_request))[-1])


@pytest.mark.parametrize("word", [Control.PAUSE, Control.RESTART, Control.TERMINATE])
def test_a_word_reaches_the_process_and_the_journal(client: Client, stores: Stores, word: Control) -> None:
    scenes.quiet_system(stores, time.time())

    said = tell(client, word=word)

    assert said.startswith(f"{MASTER} was told to {word}")
    assert [each.control for each in stores.controls.take(MASTER)] == [word]
    deed = Activity.objects.get()
    assert (deed.action, deed.subject) == ("control", f"told {word}, Horizon process {MASTER}")
    assert deed.reason == "deploy"


@pytest.mark.parametrize(
    "form",
    [
        {"word": "continue"},
        {"word": "dance"},
        {},
        {"word": "pause", "reason": " "},
        {"word": "pause", "master": "gone"},
    ],
)
def test_nothing_is_sent_that_makes_no_sense(client: Client, stores: Stores, form: dict[str, str]) -> None:
    scenes.quiet_system(stores, time.time())

    said = tell(client, **form)

    assert "nothing was" in said.lower()
    assert stores.controls.take(MASTER) == []


def test_a_paused_process_can_be_told_to_go_on(client: Client, stores: Stores) -> None:
    stores.masters.write(records.master(time.time(), status="paused"))

    page = client.get(reverse("horizon:confirm_control", kwargs={"master": MASTER})).context["page"]

    assert [each.word for each in page.orders] == ["continue", "restart", "terminate"]
    assert tell(client, word="continue").startswith(f"{MASTER} was told to continue")


def test_the_workers_page_leads_to_the_step_before(client: Client, stores: Stores) -> None:
    scenes.quiet_system(stores, time.time())
    step = reverse("horizon:confirm_control", kwargs={"master": MASTER})

    assert step in client.get(reverse("horizon:workers")).content.decode()
    assert "Nothing has happened yet." in client.get(step).content.decode()
    assert client.get(reverse("horizon:confirm_control", kwargs={"master": "gone"})).status_code == 404


def reader(request: Any) -> Access:
    """A gate that lets in everybody, to look."""
    return Access(True, rights=frozenset({Right.VIEW}))


def test_who_may_only_look_can_tell_nobody_anything(client: Client, stores: Stores, settings: Any) -> None:
    scenes.quiet_system(stores, time.time())
    settings.HORIZON = {**settings.HORIZON, "environment": "staging", "gate": f"{__name__}.reader"}

    answer = client.post(reverse("horizon:control"), {"master": MASTER, "word": "terminate", "reason": "x"})

    assert answer.status_code == 403
    assert stores.controls.take(MASTER) == []
    assert "Control …" not in client.get(reverse("horizon:workers")).content.decode()
