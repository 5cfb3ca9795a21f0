"""Ending one worker from the page of workers."""

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
from allegro_queue.stores.controls import Control, Instruction
from tests.support import records

pytestmark = pytest.mark.django_db

MASTER, WORKER = "web-1-4102", "web-1-4121"
STEP = {"worker": WORKER}


def alive(stores: Stores, **given: Any) -> None:
    """A master, and a worker of its."""
    now = time.time()
    stores.masters.write(records.master(now))
    stores.workers.write(records.worker(now, **given))


def send(client: Client, **form: str) -> str:
    """Send a word; what the next page will say."""
    answer = client.post(reverse("horizon:end_worker"), {"worker": WORKER, "reason": "stuck", **form})
    assert answer.status_code == 302
    return str(list(get_messages(answer.wsgi_request))[-1])


def words(client: Client) -> list[str]:
    """What the step before offers."""
    page = client.get(reverse("horizon:confirm_end_worker", kwargs=STEP)).context["page"]
    return [each.word for each in page.orders]


@pytest.mark.parametrize(("word", "control"), [("end", Control.TERMINATE), ("kill", Control.KILL)])
def test_the_word_reaches_the_workers_master_and_the_journal(
    client: Client, stores: Stores, word: str, control: Control
) -> None:
    alive(stores)

    said = send(client, word=word)

    assert "was told to" in said
    [sent] = stores.controls.take(MASTER)
    assert sent == Instruction(control=control, worker=WORKER, by="somebody on this machine", reason="stuck")
    deed = Activity.objects.get()
    assert (deed.action, deed.subject, deed.reason) == ("end worker", f"told {word}, worker {WORKER}", "stuck")


@pytest.mark.parametrize(
    "form", [{"word": "dance"}, {}, {"word": "kill", "reason": " "}, {"word": "end", "worker": "gone"}]
)
def test_nothing_is_sent_that_makes_no_sense(client: Client, stores: Stores, form: dict[str, str]) -> None:
    alive(stores)

    assert "nothing was" in send(client, **form).lower()
    assert stores.controls.take(MASTER) == []


def test_when_the_workers_master_is_silent_the_page_offers_nothing_and_nothing_is_sent(
    client: Client, stores: Stores
) -> None:
    stores.workers.write(records.worker(time.time()))

    assert words(client) == []
    assert "does not report" in send(client, word="kill")
    assert stores.controls.take(MASTER) == []


def test_a_worker_by_hand_can_only_be_told_to_leave(client: Client, stores: Stores) -> None:
    alive(stores, master="", supervisor="")

    assert words(client) == ["end"]
    assert "end process 4121 on web-1." in send(client, word="kill")
    assert "Worker 4121 on web-1 was told to leave." in send(client, word="end")
    assert stores.controls.take(MASTER) == []


def test_a_worker_that_leaves_can_only_be_killed(client: Client, stores: Stores) -> None:
    alive(stores, state="leaving")

    assert words(client) == ["kill"]


def test_the_workers_page_leads_to_the_step_before(client: Client, stores: Stores) -> None:
    alive(stores)
    step = reverse("horizon:confirm_end_worker", kwargs=STEP)

    assert step in client.get(reverse("horizon:workers")).content.decode()
    assert "Nothing has happened yet." in client.get(step).content.decode()
    assert stores.controls.take(MASTER) == []
    assert client.get(reverse("horizon:confirm_end_worker", kwargs={"worker": "gone"})).status_code == 404


def reader(request: Any) -> Access:
    """A gate that lets in everybody, to look."""
    return Access(True, rights=frozenset({Right.VIEW}))


def test_who_may_only_look_can_end_nobody(client: Client, stores: Stores, settings: Any) -> None:
    alive(stores)
    settings.HORIZON = {**settings.HORIZON, "environment": "staging", "gate": f"{__name__}.reader"}

    answer = client.post(reverse("horizon:end_worker"), {"worker": WORKER, "word": "kill", "reason": "x"})

    assert answer.status_code == 403
    assert stores.controls.take(MASTER) == []
    assert "End …" not in client.get(reverse("horizon:workers")).content.decode()
    step = client.get(reverse("horizon:confirm_end_worker", kwargs=STEP)).content.decode()
    assert "You lack the right" in step
    assert "Kill it now" not in step
