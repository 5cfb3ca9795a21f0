"""Who gets in, written out: each identity, at each address, by each method, against Allegro's own gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro.accounts.models import User
from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.urls import urlpatterns
from tests.support.digest import digest
from tests.support.failures import failed, queued
from tests.support.jobs import fail

pytestmark = pytest.mark.django_db

MARKER = "planted-marker"
OUTSIDE = "192.0.2.7"
PROBES = {"live", "ready"}
METHODS = ("get", "head", "options", "post", "put", "patch", "delete")
ACTS = {"retry", "pause", "empty", "run_entry", "api_queues_name_pause", "api_bulk_runs_retry"}
"""Posted to by each identity, which looks at each address; by one of each kind each address is asked by each method."""

PLACES = {"run_id": 7, "run": 7, "view_id": 7, "queue": "high"}

ROUTES = [page for page in urlpatterns if page.name not in PROBES]

FORGED = {
    "X-Forwarded-For": "127.0.0.1",
    "X-Real-IP": "127.0.0.1",
    "Forwarded": "for=127.0.0.1",
    "X-Forwarded-Host": "localhost",
    "X-Original-URL": "/up",
    "X-Rewrite-URL": "/up",
    "X-Remote-User": "ada@alley.com",
    "Remote-User": "ada@alley.com",
}
"""What a caller may claim; none of it counts."""


def address_of(page: Any) -> str:
    places = {name: PLACES.get(name, "some-thing") for name in page.pattern.converters}
    return reverse(f"horizon:{page.name}", kwargs=places)


assert {page.name for page in ROUTES} >= ACTS


@pytest.fixture(autouse=True)
def staging(settings: Any) -> None:
    """The environment that lets nobody in without sign-in."""
    settings.HORIZON = {**django_settings.HORIZON, "environment": "staging"}


def signed_in(email: str = "ada@alley.com", *, verified: bool = True, **given: Any) -> Client:
    user = User(email=email, **{"is_staff": True, **given})
    user.set_unusable_password()
    if verified:
        user.verify_email(datetime.now(UTC))
    user.save()
    client = Client()
    client.force_login(user)
    return client


# ---------------------------------------------------------------------------------------------- Who is not let in

LOOK_ALIKES = {
    "longer domain": "ada@alley.com.evil.example",
    "prefix": "ada@notalley.com",
    "hyphen": "ada@my-alley.com",
    "subdomain": "ada@mail.alley.com",
    "other top level": "ada@alley.co",
    "longer top level": "ada@alley.comm",
    "trailing dot": "ada@alley.com.",
    "leading dot": "ada@.alley.com",
    "two at signs": "ada@alley.com@evil.example",
    "two at signs, ours last": "ada@evil.example@alley.com",
    "percent-routed": "ada%evil.example@alley.com",
    "quoted": '"ada@evil.example"@alley.com',
    "quoted with space": '"ada b"@alley.com',
    "comment": "ada(evil)@alley.com",
    "source route": "@evil.example:ada@alley.com",
    "bang path": "ada@alley.com!evil.example",
    "Cyrillic a": "ada@аlley.com",
    "Cyrillic e": "ada@allеy.com",
    "Greek omicron": "ada@alley.cοm",
    "full-width a": "ada@ａlley.com",
    "full-width at": "ada＠alley.com",
    "full-width dot": "ada@alley．com",
    "ideographic dot": "ada@alley。com",
    "ligature": "ada@aﬂey.com",
    "mathematical a": "ada@𝐚lley.com",
    "long s in the name": "ſam@alley.com",
    "Kelvin sign in the name": "\u212aim@alley.com",
    "dotless i in the name": "ıda@alley.com",
    "combining mark": "ada@alley.com\u0301",
    "punycode": "ada@xn--lley-5cd.com",
    "zero width space": "ada@alley\u200b.com",
    "zero width joiner": "ada@alley.com\u200d",
    "soft hyphen": "ada@al\u00adley.com",
    "right-to-left mark": "ada@alley.com\u200f",
    "no-break space": "ada@alley.com\u00a0",
    "leading space": " ada@alley.com",
    "trailing space": "ada@alley.com ",
    "space within": "ada @alley.com",
    "new line": "ada@alley.com\n",
    "second line": "ada@evil.example\nada@alley.com",
    "carriage return": "ada@alley.com\r",
    "tab": "ada@alley.com\t",
    "null": "ada@alley.com\x00",
    "null before the domain": "ada@evil.example\x00@alley.com",
    "no name": "@alley.com",
    "no at sign": "alley.com",
    "domain alone": "ada.alley.com",
    "list": "ada@evil.example,ada@alley.com",
    "angle brackets": "Ada <ada@alley.com>",
    "angle brackets, ours shown": "ada@alley.com <ada@evil.example>",
    "address literal": "ada@[127.0.0.1]",
    "empty": "",
}

REFUSED: dict[str, Callable[[], Client]] = {
    "member without staff, ours": lambda: signed_in(is_staff=False),
    "superuser without staff, ours": lambda: signed_in(is_staff=False, is_superuser=True),
    "staff of another domain": lambda: signed_in("ada@example.com"),
    "superuser of another domain": lambda: signed_in("ada@example.com", is_superuser=True),
    "staff, ours, not verified": lambda: signed_in(verified=False),
    "superuser, ours, not verified": lambda: signed_in(verified=False, is_superuser=True),
}


def garbage_cookie() -> Client:
    client = Client()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = "x" * 32
    return client


def signed_out() -> Client:
    """With the cookie of a session that was signed out."""
    client = signed_in()
    cookie = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    client.logout()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = cookie
    return client


def inactive() -> Client:
    client = signed_in()
    User.objects.update(is_active=False)
    return client


STRANGERS: dict[str, Callable[[], Client]] = {
    "anonymous": Client,
    "garbage cookie": garbage_cookie,
    "signed out": signed_out,
    "inactive": inactive,
    "forged headers": lambda: Client(headers=FORGED),
    "wrong scheme": lambda: Client(headers={"Authorization": "Basic YWRhOmFkYQ=="}),
}


@pytest.fixture
def planted(redis: Redis) -> Iterator[dict[bytes, bytes | None]]:
    """Jobs with a marker that no refused answer may hold; and afterwards nothing has changed."""
    queued("planted.marker.job", MARKER, queue="high")
    failed(redis, fail, MARKER)
    queued("planted.marker.job", MARKER, queue="high")
    before = digest(redis)
    yield before
    assert digest(redis) == before
    assert not Activity.objects.exists()


def refused_everywhere(client: Client, *, thoroughly: bool, stranger: bool) -> None:
    """Each address is refused in its own form: by each method, or to look at it, and to act by some."""
    for page in ROUTES:
        address, is_api = address_of(page), str(page.name).startswith("api_")
        for method in METHODS if thoroughly else ("get", "post") if page.name in ACTS else ("get",):
            answer = getattr(client, method)(address, REMOTE_ADDR=OUTSIDE)
            expected = 403
            if stranger:
                expected = 401 if is_api else 302 if method in ("get", "head") else 403
            assert answer.status_code == expected, (page.name, method, answer.status_code)
            assert MARKER.encode() not in answer.content
            if expected == 302:
                assert answer.headers["Location"].startswith(f"{reverse('admin:login')}?next=")


@pytest.mark.parametrize("who", STRANGERS)
def test_whoever_is_not_signed_in_gets_nowhere(planted: object, who: str) -> None:
    refused_everywhere(STRANGERS[who](), thoroughly=who == "anonymous", stranger=True)


@pytest.mark.parametrize("who", REFUSED)
def test_whoever_fails_one_condition_gets_nowhere(planted: object, who: str) -> None:
    refused_everywhere(REFUSED[who](), thoroughly=who == "staff of another domain", stranger=False)


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_an_address_that_only_looks_like_ours_gets_nowhere(redis: Redis, name: str) -> None:
    client = signed_in(LOOK_ALIKES[name], is_superuser=True)

    for page in ("overview", "jobs", "api_status", "tokens"):
        assert client.get(reverse(f"horizon:{page}")).status_code == 403
    assert client.post(reverse("horizon:pause"), {"queue": "high", "reason": "x"}).status_code == 403


@pytest.mark.parametrize("email", ["ADA@ALLEY.COM", "Ada@Alley.Com", "ada+horizon@alley.com", "ada.l-o_v'e@alley.com"])
def test_each_spelling_of_an_address_of_ours_gets_in(redis: Redis, email: str) -> None:
    client = signed_in(email)

    for page in ("overview", "jobs", "api_status", "tokens"):
        assert client.get(reverse(f"horizon:{page}"), REMOTE_ADDR=OUTSIDE).status_code == 200, page


@pytest.mark.parametrize("is_superuser", [False, True])
def test_who_meets_every_condition_gets_in(redis: Redis, is_superuser: bool) -> None:
    client = signed_in(is_superuser=is_superuser)

    for page in ROUTES:
        answer = client.get(address_of(page), REMOTE_ADDR=OUTSIDE)
        assert answer.status_code in (200, 302, 404, 405, 422), (page.name, answer.status_code)


WITHDRAWALS: dict[str, dict[str, Any]] = {
    "the staff flag": {"is_staff": False},
    "the verification": {"email_verified_at": None},
    "the domain": {"email": "ada@example.com"},
}


@pytest.mark.parametrize("what", WITHDRAWALS)
def test_what_is_withdrawn_shuts_every_form_at_the_next_request(redis: Redis, what: str) -> None:
    client = signed_in()
    for page in ("overview", "api_status"):
        assert client.get(reverse(f"horizon:{page}")).status_code == 200

    User.objects.update(**WITHDRAWALS[what])

    for page in ("overview", "api_status"):
        assert client.get(reverse(f"horizon:{page}")).status_code == 403
    assert client.get(reverse("horizon:overview"), headers={"X-Horizon-Fragment": "1"}).status_code == 403
    assert client.post(reverse("horizon:resume"), {"queue": "high"}).status_code == 403


@pytest.mark.parametrize(("old", "new"), [("ada@alley.com", "ada@example.com"), ("ada@example.com", "ada@alley.com")])
def test_a_changed_address_has_to_be_verified_anew(redis: Redis, old: str, new: str) -> None:
    client = signed_in(old)
    user = User.objects.get()
    user.email = new
    user.save()

    assert client.get(reverse("horizon:overview")).status_code == 403


def test_a_session_that_was_fixed_before_sign_in_is_not_signed_in(redis: Redis) -> None:
    attacker = Client()
    attacker.get(reverse("admin:login"))
    session = attacker.session
    session["planted"] = True
    session.save()
    victim = Client()
    victim.cookies[django_settings.SESSION_COOKIE_NAME] = session.session_key
    user = User.objects.create_user("ada@alley.com", is_staff=True)
    user.verify_email(datetime.now(UTC))
    user.save()
    victim.force_login(user)
    assert victim.get(reverse("horizon:overview")).status_code == 200

    attacker.cookies[django_settings.SESSION_COOKIE_NAME] = session.session_key

    assert attacker.get(reverse("horizon:overview")).status_code == 302


# ------------------------------------------------------------------------------------------------------ Local mode


@pytest.mark.parametrize("environment", ["staging", "production", "Local", "local ", "LOCAL", ""])
def test_this_machine_is_let_in_in_local_alone(redis: Redis, settings: Any, environment: str) -> None:
    settings.HORIZON = {**django_settings.HORIZON, "environment": environment}

    assert Client().get(reverse("horizon:overview"), REMOTE_ADDR="127.0.0.1").status_code == 302
    assert Client().get(reverse("horizon:api_status"), REMOTE_ADDR="127.0.0.1").status_code == 401


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1"])
def test_in_local_this_machine_is_let_in(redis: Redis, settings: Any, address: str) -> None:
    settings.HORIZON = {**django_settings.HORIZON, "environment": "local"}

    assert Client().get(reverse("horizon:overview"), REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize("address", [OUTSIDE, "10.0.0.1", "", "localhost", "127.0.0.1.evil.example", "0.0.0.0", "::"])
def test_in_local_another_machine_is_not_let_in_whatever_it_claims(redis: Redis, settings: Any, address: str) -> None:
    settings.HORIZON = {**django_settings.HORIZON, "environment": "local"}
    client = Client(headers=FORGED)

    assert client.get(reverse("horizon:overview"), REMOTE_ADDR=address).status_code == 302
    assert client.get(reverse("horizon:api_status"), REMOTE_ADDR=address).status_code == 401


# ------------------------------------------------------------------------------------------------- Odd spellings

SPELLINGS = [
    "/horizon",
    "/horizon/jobs",
    "//horizon/",
    "//horizon/jobs/",
    "/horizon//jobs/",
    "/horizon/./jobs/",
    "/horizon/../horizon/jobs/",
    "/horizon/%2e/jobs/",
    "/horizon/%2e%2e/horizon/jobs/",
    "/horizon%2fjobs/",
    "/%68orizon/jobs/",
    "/HORIZON/jobs/",
    "/Horizon/",
    "/horizon/jobs/.json",
    "/horizon/jobs.json",
    "/horizon/jobs/?format=json",
    "/horizon/jobs/;.css",
    "/horizon/jobs/%00",
    "/horizon/jobs/%20/",
    "/horizon/api/v1/jobs/",
    "/horizon/api/v1//jobs",
    "/horizon/api/v1/jobs.json",
    "/horizon/api/v1/JOBS",
    "/horizon/api/v1/%6aobs",
    "/horizon/api/v1/../v1/jobs",
    "/horizon/api/v2/jobs",
    "/horizon/api/",
    "/static/../horizon/jobs/",
    "/up/../horizon/jobs/",
    "/horizon/health/live/../../jobs/",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("who", ["anonymous", "staff of another domain"])
def test_no_spelling_of_an_address_goes_around_the_door(planted: object, who: str, spelling: str) -> None:
    client = {**STRANGERS, **REFUSED}[who]()

    for method in METHODS:
        answer = getattr(client, method)("/", PATH_INFO=unquote(spelling), REMOTE_ADDR=OUTSIDE)
        assert MARKER.encode() not in answer.content
        assert answer.status_code in (301, 302, 400, 401, 403, 404), method
        where = urlsplit(answer.headers.get("Location", ""))
        assert not where.netloc, "sent to another site"
        if where.path:
            follow_up = client.get(where.path, REMOTE_ADDR=OUTSIDE)
            assert where.path == reverse("admin:login") or follow_up.status_code in (302, 401, 403, 404)


@pytest.mark.parametrize(
    "override",
    [
        {"headers": {"X-HTTP-Method-Override": "POST"}},
        {"headers": {"X-HTTP-Method": "POST"}},
        {"headers": {"X-Method-Override": "DELETE"}},
        {"query_params": {"_method": "POST"}},
    ],
)
def test_a_get_that_says_it_is_a_post_stays_a_get(planted: object, override: dict[str, Any]) -> None:
    client = signed_in()

    for page in ("retry", "delete", "pause", "empty", "run_entry"):
        answer = client.get(reverse(f"horizon:{page}"), **override)
        assert answer.status_code == 405
    assert client.get(reverse("horizon:api_queues_name_pause", kwargs={"name": "high"}), **override).status_code in (
        405,
        422,
    )


def test_a_post_that_says_it_is_a_delete_deletes_nothing(planted: object) -> None:
    client = signed_in()
    address = reverse("horizon:api_jobs_job_id", kwargs={"job_id": "some-job"})

    answer = client.post(address, {"_method": "DELETE"}, headers={"X-HTTP-Method-Override": "DELETE"})

    assert answer.status_code == 405
