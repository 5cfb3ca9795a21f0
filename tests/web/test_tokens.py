"""Tokens: made on a page or by a command, shown once, revoked at a click."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from allegro.accounts.models import User
from allegro_queue.activity.models import Activity
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.tokens.models import ApiToken
from allegro_queue.tokens.tokens import make
from tests.support.people import staff

pytestmark = pytest.mark.django_db

STATUS = "/horizon/api/v1/status"
TOKEN = re.compile(r"hzn_[A-Za-z0-9_-]{43}")


def use(text: str) -> int:
    return Client(headers={"Authorization": f"Bearer {text}"}).get(STATUS).status_code


def test_a_token_is_shown_once_and_works(client: Client, stores: Stores, reader: Callable[..., User]) -> None:
    user = reader(Right.RETRY)

    page = client.post(reverse("horizon:make_token"), {"name": "deploys", "right": "retry_job", "days": "90"})

    (text,) = TOKEN.findall(page.content.decode())
    assert "no-store" in page.headers["Cache-Control"]
    assert use(text) == 200
    later = client.get(reverse("horizon:tokens")).content.decode()
    assert text not in later
    assert "deploys" in later
    token = ApiToken.objects.get()
    assert (token.author, token.rights) == (user, ["retry_job", "view_horizon"])
    assert token.expires_at is not None
    deed = Activity.objects.get()
    assert deed.action == "make token"
    assert text not in deed.outcome


def test_nobody_makes_a_token_that_may_do_more(client: Client, stores: Stores, reader: Callable[..., User]) -> None:
    reader(Right.RETRY)

    answer = client.post(reverse("horizon:make_token"), {"name": "more", "right": "delete_job", "days": "90"})

    assert answer.status_code == 403
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("given", [{"name": " "}, {"name": "x" * 101}, {"days": "91"}, {"right": "root"}])
def test_what_is_wrong_with_the_form_is_said(
    client: Client, stores: Stores, reader: Callable[..., User], given: dict[str, str]
) -> None:
    reader()

    answer = client.post(reverse("horizon:make_token"), {"name": "x", "days": "", **given}, follow=True)

    assert not ApiToken.objects.exists()
    assert [str(each) for each in answer.context["messages"]]


def test_a_token_is_revoked_by_its_author(client: Client, stores: Stores, reader: Callable[..., User]) -> None:
    user = reader()
    made = make("old", [], now=datetime.now(UTC), made_by="reader", author=user)
    assert use(made.text) == 200

    client.post(reverse("horizon:revoke_token"), {"token": made.token.pk, "next": reverse("horizon:tokens")})

    assert use(made.text) == 401
    assert Activity.objects.get().succeeded


def test_tokens_of_others_are_neither_seen_nor_revoked_without_every_right(
    client: Client, stores: Stores, reader: Callable[..., User]
) -> None:
    other = make("another's", [], now=datetime.now(UTC), made_by="x", author=staff("other@example.org"))
    reader(Right.RETRY)

    page = client.get(reverse("horizon:tokens"))
    client.post(reverse("horizon:revoke_token"), {"token": other.token.pk})

    assert other.token.prefix not in page.content.decode()
    assert ApiToken.objects.get().revoked_at is None


def test_without_sign_in_no_token_is_made(client: Client, stores: Stores) -> None:
    client.post(reverse("horizon:make_token"), {"name": "x", "days": ""})

    assert not ApiToken.objects.exists()
    assert "Sign in to make a token" in client.get(reverse("horizon:tokens")).content.decode()


def test_a_token_that_could_not_be_shown_does_not_hold(client: Client, redis_away: None, settings: Any) -> None:
    settings.HORIZON = {**settings.HORIZON, "environment": "staging"}
    client.force_login(staff())

    answer = client.post(reverse("horizon:make_token"), {"name": "x", "days": ""})

    assert not TOKEN.findall(answer.content.decode())
    assert ApiToken.objects.get().revoked_at is not None


def test_the_command_makes_lists_and_revokes(stores: Stores, settings: Any) -> None:
    settings.HORIZON = {**settings.HORIZON, "environment": "staging"}
    out, said = StringIO(), StringIO()

    call_command("horizon_token", "create", "backup", "--right", "retry_job", "--days", "7", stdout=out, stderr=said)
    text = out.getvalue().strip()
    assert TOKEN.fullmatch(text)
    assert text not in said.getvalue()
    assert use(text) == 200

    listing = StringIO()
    call_command("horizon_token", "list", stdout=listing)
    assert "backup" in listing.getvalue()
    assert text not in listing.getvalue()

    call_command("horizon_token", "revoke", str(ApiToken.objects.get().pk), stdout=out, stderr=said)
    assert use(text) == 401
    assert list(Activity.objects.order_by("id").values_list("action", "via")) == [
        ("make token", "command"),
        ("revoke token", "command"),
    ]


def test_the_command_says_what_is_wrong(db: None) -> None:
    with pytest.raises(CommandError, match="did you mean 'retry_job'"):
        call_command("horizon_token", "create", "x", "--right", "retry_jobs")
    with pytest.raises(CommandError, match="There is no user"):
        call_command("horizon_token", "create", "x", "--author", "nobody@example.org")
    with pytest.raises(CommandError, match="There is no token 7"):
        call_command("horizon_token", "revoke", "7")
