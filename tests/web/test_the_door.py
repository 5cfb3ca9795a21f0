"""Who may see the dashboard: every address below it, in every form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro.accounts.models import User
from allegro_queue.dashboard.urls import urlpatterns
from tests.support.digest import digest
from tests.support.failures import queued

pytestmark = pytest.mark.django_db

FRAGMENT = {"X-Horizon-Fragment": "1"}
OUTSIDE = "192.0.2.7"

PROBES = {"live", "ready"}
"""The only addresses beside the door; they say one word."""


# Every address of the dashboard, with something in each of its places.
ADDRESSES = [
    pytest.param(
        page.name, {name: 7 if name == "run" else "some-job" for name in page.pattern.converters}, id=str(page.name)
    )
    for page in urlpatterns
    if page.name not in PROBES and not str(page.name).startswith("api_")
]

# Every address of the API, which answers in its own form.
PLACES = {"run_id": 7, "view_id": 7}
API_ADDRESSES = [
    pytest.param(page.name, {name: PLACES.get(name, "some-job") for name in page.pattern.converters}, id=str(page.name))
    for page in urlpatterns
    if str(page.name).startswith("api_")
]
METHODS = ("get", "head", "options", "post", "put", "patch", "delete")


@pytest.fixture
def staging(settings: Any) -> None:
    """The environment that lets nobody in without sign-in."""
    settings.HORIZON = {**django_settings.HORIZON, "environment": "staging"}


@pytest.fixture
def person() -> Callable[..., User]:
    """Makes a staff member with a verified address of the staff domain, but for what is given."""

    def make(*, verified: bool = True, **given: Any) -> User:
        user = User.objects.create_user(**{"email": "ada@alley.com", "is_staff": True, **given})
        if verified:
            user.verify_email(datetime.now(UTC))
            user.save()
        return user

    return make


@pytest.mark.parametrize(("name", "places"), ADDRESSES)
def test_no_page_and_no_action_is_outside_the_door(
    client: Client, staging: None, person: Callable[..., User], name: str, places: dict[str, str | int]
) -> None:
    client.force_login(person(is_staff=False))
    address = reverse(f"horizon:{name}", kwargs=places)

    for answer in (client.get(address), client.post(address), client.get(address, headers=FRAGMENT)):
        assert answer.status_code == 403
        assert "Your account is not a staff account." in answer.content.decode()


@pytest.mark.parametrize(("name", "places"), ADDRESSES)
def test_a_stranger_is_sent_to_sign_in_and_back(
    client: Client, staging: None, name: str, places: dict[str, str | int]
) -> None:
    address = reverse(f"horizon:{name}", kwargs=places)

    answer = client.get(address + "?live=off")

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{reverse('admin:login')}?next={address}%3Flive%3Doff"


@pytest.mark.parametrize(("name", "places"), API_ADDRESSES)
def test_the_api_says_401_to_a_stranger_and_403_to_who_may_not_with_no_data_and_no_change(
    redis: Redis, staging: None, person: Callable[..., User], name: str, places: dict[str, Any]
) -> None:
    queued("planted.marker.job", "planted-marker", queue="high")
    address = reverse(f"horizon:{name}", kwargs=places)
    stranger, member = Client(), Client()
    member.force_login(person(is_staff=False))
    before = digest(redis)

    for caller, status in ((stranger, 401), (member, 403)):
        for method in METHODS:
            answer = getattr(caller, method)(address)
            assert answer.status_code == status, method
            assert b"planted" not in answer.content
            assert answer.headers["Content-Type"] == "application/json"
            assert "no-store" in answer.headers["Cache-Control"]

    assert digest(redis) == before


def test_a_fragment_asked_for_by_a_stranger_is_refused_not_redirected(client: Client, staging: None) -> None:
    assert client.get(reverse("horizon:overview"), headers=FRAGMENT).status_code == 403


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"is_staff": False}, "Your account is not a staff account."),
        ({"verified": False}, "Your e-mail address is not verified."),
        ({"email": "ada@alley.com.evil.example"}, "Your e-mail address is not in a staff domain."),
        ({"email": "ada@аlley.com"}, "Your e-mail address is not in a staff domain."),
    ],
)
def test_the_refusal_says_which_condition_fails(
    client: Client, staging: None, person: Callable[..., User], given: dict[str, Any], reason: str
) -> None:
    client.force_login(person(**given))

    answer = client.get(reverse("horizon:overview"))

    assert answer.status_code == 403
    assert reason in answer.content.decode()


def test_who_meets_every_condition_gets_in(
    client: Client, redis: Redis, staging: None, person: Callable[..., User]
) -> None:
    client.force_login(person())

    answer = client.get(reverse("horizon:overview"), REMOTE_ADDR=OUTSIDE)

    assert answer.status_code == 200
    assert "Open without sign-in" not in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]


def test_withdrawing_staff_shuts_the_door_at_the_next_request(
    client: Client, redis: Redis, staging: None, person: Callable[..., User]
) -> None:
    user = person()
    client.force_login(user)
    assert client.get(reverse("horizon:overview")).status_code == 200

    User.objects.filter(pk=user.pk).update(is_staff=False)

    assert client.get(reverse("horizon:overview")).status_code == 403


def test_local_lets_this_machine_in_and_says_so(client: Client, redis: Redis) -> None:
    answer = client.get(reverse("horizon:overview"), REMOTE_ADDR="127.0.0.1")

    assert answer.status_code == 200
    assert "Open without sign-in" in answer.content.decode()


def test_local_lets_no_other_machine_in_whatever_its_headers_say(client: Client, redis: Redis) -> None:
    claims = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "X-Real-IP": "127.0.0.1"}

    answer = client.get(reverse("horizon:overview"), REMOTE_ADDR=OUTSIDE, headers=claims)

    assert answer.status_code == 302


def test_admin_s_index_links_to_the_dashboard_for_those_the_door_lets_in(
    client: Client, staging: None, person: Callable[..., User]
) -> None:
    client.force_login(person())
    assert f'href="{reverse("horizon:overview")}"' in client.get(reverse("admin:index")).content.decode()

    User.objects.update(email_verified_at=None)

    assert reverse("horizon:overview") not in client.get(reverse("admin:index")).content.decode()


def test_what_is_read_of_the_dashboard_changes_only_by_post(client: Client, redis: Redis) -> None:
    for name in ("overview", "workers", "schedule"):
        assert client.post(reverse(f"horizon:{name}")).status_code == 405
