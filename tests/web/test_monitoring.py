"""Following tags."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.history.followed_tags import MOST_FOLLOWED, follow, followed_tags
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.terms import Terms
from tests.support.runs import collected, failed_record, run_record

pytestmark = pytest.mark.django_db


def post(client: Client, name: str, tag: str) -> str:
    """What was said."""
    answer = client.post(reverse(f"horizon:{name}"), {"tag": tag, "next": reverse("horizon:monitoring")}, follow=True)
    return " ".join(str(message) for message in answer.context["messages"])


def page(client: Client) -> Any:
    return client.get(reverse("horizon:monitoring")).context["page"]


def test_a_followed_tag_is_counted_and_each_count_leads_to_what_it_counts(client: Client, stores: Stores) -> None:
    assert post(client, "follow_tag", " order:7 ") == "Following order:7."
    now, terms = time.time(), Terms(tags=("order:7",)).encode()
    collected(
        stores,
        run_record(now, terms=terms, job_id="good"),
        failed_record(now, terms=terms, job_id="bad", outcome="retried"),
        failed_record(now, terms=terms, job_id="bad", attempt=2),
        run_record(now),
    )

    [row] = page(client).rows

    assert (row.row.succeeded, row.row.retried, row.row.failed) == (1, 1, 1)
    assert [line.id for line in client.get(row.failed_address).context["page"].lines] == ["bad"]
    assert [line.id for line in client.get(row.succeeded_address).context["page"].lines] == ["good"]
    assert len(client.get(row.address).context["page"].lines) == 3
    assert page(client).sentence == "order:7 has failed 1 time since it is followed."


def test_a_tag_is_let_go_of(client: Client, redis: Redis) -> None:
    post(client, "follow_tag", "order:7")

    assert post(client, "follow_tag", "order:7") == "Following order:7 already."
    assert post(client, "stop_following_tag", "order:7").startswith("Stopped following order:7.")
    assert post(client, "stop_following_tag", "order:7") == "Nobody follows order:7."
    assert page(client).sentence == "No tag is followed."


@pytest.mark.parametrize("tag", ["", "   ", "x" * 101])
def test_what_is_no_tag_is_not_followed(client: Client, redis: Redis, tag: str) -> None:
    assert post(client, "follow_tag", tag).startswith("Not followed: ")
    assert followed_tags() == []


def test_so_many_tags_are_followed_at_most(client: Client, redis: Redis) -> None:
    for number in range(MOST_FOLLOWED):
        follow(f"order:{number}", by="", now=time.time())

    assert "let go of one first" in post(client, "follow_tag", "order:x")
    assert page(client).full


def test_a_hostile_tag_stays_text(client: Client, redis: Redis) -> None:
    post(client, "follow_tag", "<script>alert(1)</script>")

    assert "<script>alert" not in client.get(reverse("horizon:monitoring")).content.decode()


def test_a_reader_sees_the_tags_and_changes_none(client: Client, redis: Redis, reader: Callable[..., Any]) -> None:
    follow("order:7", by="", now=time.time())
    reader()

    answer = client.get(reverse("horizon:monitoring"))

    assert "order:7" in answer.content.decode()
    assert "Stop following" not in answer.content.decode()
    for name in ("follow_tag", "stop_following_tag"):
        assert client.post(reverse(f"horizon:{name}"), {"tag": "order:7"}).status_code == 403
        assert client.get(reverse(f"horizon:{name}")).status_code in (403, 405)
    assert [row.tag for row in followed_tags()] == ["order:7"]


def test_following_is_noted(client: Client, redis: Redis, reader: Callable[..., Any]) -> None:
    reader(Right.EDIT_ALERTS)

    post(client, "follow_tag", "order:7")

    noted = Activity.objects.get()
    assert (noted.who, noted.action, noted.subject) == ("reader@example.org", "follow tag", "tag order:7")
