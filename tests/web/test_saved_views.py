"""Saved views: whose they are, who sees them, and what they lead to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.activity.saved_view import MOST_OF_ONE, SavedView
from allegro_queue.rights import Right

pytestmark = pytest.mark.django_db


def save(client: Client, **given: str) -> str:
    """What was said."""
    given = {
        "name": "Failed payments",
        "query": "state=failed&func=pay",
        "next": reverse("horizon:saved_views"),
        **given,
    }
    answer = client.post(reverse("horizon:save_view"), given, follow=True)
    assert answer.redirect_chain == [(reverse("horizon:saved_views"), 302)]
    return " ".join(str(message) for message in answer.context["messages"])


def rows(client: Client) -> list[Any]:
    return list(client.get(reverse("horizon:saved_views")).context["page"].rows)


def test_a_saved_view_leads_to_its_list(client: Client, redis: Redis) -> None:
    assert save(client) == "Saved the view “Failed payments”."

    [row] = rows(client)

    assert row.address == reverse("horizon:jobs") + "?state=failed&func=pay"
    assert row.asks == "state:failed func:pay"
    assert row.mine
    assert client.get(reverse("horizon:jobs")).context["page"].views == ((row.view.name, row.address),)


def test_saving_under_the_same_name_replaces(client: Client, redis: Redis) -> None:
    save(client)

    assert save(client, query="state=lost") == "Replaced the view “Failed payments”."
    assert [row.asks for row in rows(client)] == ["state:lost"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "  "}, "Not saved: give it a name of up to 80 characters."),
        ({"name": "x" * 81}, "Not saved: give it a name of up to 80 characters."),
        ({"query": ""}, "Not saved: the filter asks for nothing"),
        ({"query": "state=nope"}, "Not saved: the filter asks for nothing, or not all of it can be understood."),
    ],
)
def test_what_cannot_be_saved_is_said(client: Client, redis: Redis, given: dict[str, str], said: str) -> None:
    assert save(client, **given).startswith(said)
    assert not SavedView.objects.exists()


def test_one_person_keeps_so_many(client: Client, redis: Redis) -> None:
    for number in range(MOST_OF_ONE):
        save(client, name=f"view {number}")

    assert save(client, name="one more") == f"Not saved: you have {MOST_OF_ONE} views already; delete one first."
    assert save(client, name="view 3") == "Replaced the view “view 3”."


def test_a_private_view_is_seen_by_nobody_else_and_a_shared_one_by_all(
    client: Client, redis: Redis, reader: Callable[..., Any]
) -> None:
    user = reader(Right.EDIT_ALERTS)
    save(client, name="mine")
    save(client, name="ours", shared="1")
    SavedView.objects.update(owner="somebody.else@example.org")

    [row] = rows(client)

    assert row.view.name == "ours"
    assert not row.mine
    assert user.get_username() != row.view.owner


def test_only_the_owner_deletes(client: Client, redis: Redis, reader: Callable[..., Any]) -> None:
    reader()
    save(client)
    view = SavedView.objects.get()
    SavedView.objects.update(owner="somebody.else@example.org", shared=True)
    delete = reverse("horizon:delete_view")

    client.post(delete, {"view": view.pk})
    assert SavedView.objects.exists()

    SavedView.objects.update(owner="reader@example.org")
    client.post(delete, {"view": view.pk})
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 30, "٣"])
def test_a_view_that_is_none_is_not_deleted(client: Client, redis: Redis, number: str) -> None:
    answer = client.post(reverse("horizon:delete_view"), {"view": number}, follow=True)

    assert "There is no such view of yours" in answer.content.decode()


def test_sharing_takes_a_right(client: Client, redis: Redis, reader: Callable[..., Any]) -> None:
    reader()

    said = save(client, shared="1")

    assert said == "Not saved: to share a view you need the right allegro_queue.edit_alerts."
    assert not SavedView.objects.exists()
    assert save(client) == "Saved the view “Failed payments”."


def test_saving_is_noted(client: Client, redis: Redis) -> None:
    save(client)

    assert Activity.objects.get().subject == "name Failed payments"
    assert client.get(reverse("horizon:save_view")).status_code == 405
