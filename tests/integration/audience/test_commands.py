from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from redis import Redis

from allegro.audience.models import SyncRound, SyncRun
from tests.support.burst import queued
from tests.support.people import a_member, an_account, an_organization
from tests.support.sources import Crm, saying

pytestmark = pytest.mark.django_db(transaction=True)


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("audience_sync", *arguments, stdout=out)
    return out.getvalue()


def test_a_round_is_begun_for_every_organization_or_one(redis: Redis):
    for slug in ("one", "two"):
        an_account(an_organization(slug), "http://crm.invalid/{email}")

    assert command("run", "json-profile", "--organization", "one") == "json-profile for One: a round begins.\n"
    assert command("run", "json-profile").splitlines() == [
        "json-profile for One: not begun; one is being dispatched already.",
        "json-profile for Two: a round begins.",
    ]

    assert SyncRound.objects.filter(by_hand=True).count() == 2
    assert [name for name, _ in queued(redis, "audience-sync")] == ["allegro.audience.jobs.continue_round"] * 2


def test_one_member_is_queued_or_asked_for_from_here(redis: Redis, crm: Crm):
    account = an_account(an_organization(), f"{crm.url}/people/{{email}}")
    ada = a_member(account.organization)
    crm.people[ada.email] = {"level": "patron"}
    redis.flushall()

    assert command("run", "json-profile", "--member", "ADA@example.com").endswith(": queued.\n")
    assert command("run", "json-profile", "--member", str(ada.pk)).endswith(": a job for this member waits already.\n")
    assert command("run", "json-profile", "--member", str(ada.pk), "--now").endswith(": synced\n")

    assert ada.external_profiles.get().payload == {"level": "patron"}
    crm.always = saying(500)
    with pytest.raises(CommandError, match="The source answered 500"):
        command("run", "json-profile", "--member", str(ada.pk), "--now")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("run", "json-profle"), "did you mean 'json-profile'"),
        (("run", "mailchimp"), "No organization has an enabled account with 'mailchimp'"),
        (("run", "json-profile", "--organization", "nowhere"), "Organization 'nowhere' has no enabled account"),
        (("run", "json-profile", "--member", "nobody@example.com"), "There is no member 'nobody@example.com'"),
        (("run", "json-profile", "--now"), "--now goes with --member"),
    ],
)
def test_what_cannot_be_done_is_said(redis: Redis, arguments: tuple[str, ...], reason: str):
    an_account(an_organization(), "http://crm.invalid/{email}")

    with pytest.raises(CommandError, match=reason):
        command(*arguments)


def test_it_says_so_when_redis_is_away(redis_away: None):
    an_account(an_organization(), "http://crm.invalid/{email}")

    with pytest.raises(CommandError, match="did not answer"):
        command("run", "json-profile")


def test_the_status_names_every_account(redis: Redis):
    account = an_account(an_organization("one"), "http://crm.invalid/{email}")
    an_account(an_organization("two"), "http://crm.invalid/{email}", enabled=False)
    SyncRun.objects.create(
        organization=account.organization,
        provider=account.provider,
        failures_in_a_row=2,
        last_error="The source answered 500.",
        last_dispatched_at=timezone.now(),
    )

    one, two = command("status").splitlines()

    assert one.startswith("one  json-profile  on  last round 20")
    assert one.endswith("failures in a row 2 (The source answered 500.)")
    assert two == "two  json-profile  off  last round never  failures in a row 0"
