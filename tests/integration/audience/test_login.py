from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis
from werkzeug import Response

from allegro.audience import freshness
from allegro.audience.freshness import ensure_fresh_for_login
from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRun
from allegro.audience.providers import Fetched, ProviderFailed, provider_for
from tests.support.eventually import eventually
from tests.support.people import a_member, an_account, an_organization
from tests.support.providers import registered_as
from tests.support.sources import Crm, saying

pytestmark = pytest.mark.django_db(transaction=True)


def an_account_for_login(crm: Crm, **fields: Any) -> ProviderAccount:
    return an_account(an_organization(), f"{crm.url}/people/{{email}}", max_login_age_minutes=10, **fields)


def test_all_sources_are_asked_side_by_side_within_one_budget(crm: Crm):
    account = an_account_for_login(crm)
    ada = a_member(account.organization)
    meet = threading.Barrier(3)

    def together(member: Member) -> Fetched:
        # Passes only if all three are asked at the same time.
        meet.wait(5)
        return Fetched(payload={"met": True})

    account.delete()
    names = ["first", "second", "third"]
    with registered_as("first", together), registered_as("second", together), registered_as("third", together):
        for name in names:
            an_account(ada.organization, "", provider=name, max_login_age_minutes=10)
        assert ensure_fresh_for_login(ada) == names

    assert [each.payload for each in ExternalProfile.objects.all()] == [{"met": True}] * 3


def test_a_slow_source_costs_the_budget_and_no_more_and_leaves_the_others_their_answer(
    crm: Crm, release: threading.Event
):
    ada = a_member(an_account_for_login(crm).organization)
    crm.people[ada.email] = {"level": "patron"}

    def slow(member: Member) -> Fetched:
        # Pays no heed to the time that it was given.
        release.wait(30)
        return Fetched(payload={"too": "late"})

    with registered_as("slow", slow), registered_as("slower", slow):
        for name in ("slow", "slower"):
            an_account(ada.organization, "", provider=name, max_login_age_minutes=10)
        started = time.monotonic()
        assert ensure_fresh_for_login(ada, seconds=1.5) == ["json-profile"]
        took = time.monotonic() - started

    # One after the other they would take twice the budget.
    assert 1.5 <= took < 2.9
    late = {each.provider: each.error for each in ExternalProfile.objects.exclude(error="")}
    assert late == dict.fromkeys(["slow", "slower"], "The source did not answer within 1.5 s.")
    assert {run.provider: run.stale_sign_ins for run in SyncRun.objects.all()} == {
        "json-profile": 0,
        "slow": 1,
        "slower": 1,
    }


def test_what_comes_too_late_is_not_listened_to(crm: Crm, release: threading.Event):
    ada = a_member(an_organization())
    answered = threading.Event()

    def slow(member: Member) -> Fetched:
        release.wait(30)
        answered.set()
        return Fetched(payload={"too": "late"})

    with registered_as("slow", slow):
        an_account(ada.organization, "", provider="slow", max_login_age_minutes=10)
        ensure_fresh_for_login(ada, seconds=0.1)
        release.set()
        assert answered.wait(10)
        eventually(lambda: not [each for each in threading.enumerate() if each.name == "ask slow"])

    assert ExternalProfile.objects.get().payload == {}


def test_slow_sources_do_not_fill_the_process_with_threads(release: threading.Event, monkeypatch):
    ada = a_member(an_organization())
    monkeypatch.setattr(freshness, "_room", threading.BoundedSemaphore(2))

    def slow(member: Member) -> Fetched:
        release.wait(30)
        return Fetched()

    with registered_as("slow", slow):
        an_account(ada.organization, "", provider="slow", max_login_age_minutes=10)
        for _ in range(2):
            ensure_fresh_for_login(ada, seconds=0.05)
        SyncRun.objects.update(failures_in_a_row=0)
        started = time.monotonic()
        ensure_fresh_for_login(ada, seconds=5)

    assert time.monotonic() - started < 4
    release.set()
    eventually(lambda: not [each for each in threading.enumerate() if each.name == "ask slow"])
    assert "still under way" in ExternalProfile.objects.get().error


def test_a_source_that_keeps_failing_is_not_waited_for_until_a_minute_has_passed(crm: Crm):
    ada = a_member(an_account_for_login(crm).organization)
    crm.always = saying(500)

    for _ in range(5):
        assert ensure_fresh_for_login(ada) == []

    assert len(crm.asked) == 3
    assert SyncRun.objects.get().stale_sign_ins == 5
    crm.always = None
    crm.people[ada.email] = {"level": "patron"}
    SyncRun.objects.update(last_failure_at=timezone.now() - timedelta(seconds=61))
    assert ensure_fresh_for_login(ada) == ["json-profile"]
    assert SyncRun.objects.get().failures_in_a_row == 0


def test_a_source_that_wants_to_be_left_alone_is_at_a_sign_in_too(redis: Redis, crm: Crm):
    ada = a_member(an_account_for_login(crm).organization)
    crm.always = saying(429, Retry_After="30")

    for _ in range(3):
        assert ensure_fresh_for_login(ada) == []

    assert len(crm.asked) == 1


def test_a_sign_in_works_while_redis_is_away_and_the_source_is_busy(redis_away: None, crm: Crm):
    ada = a_member(an_account_for_login(crm).organization)
    crm.always = saying(429, Retry_After="30")

    assert ensure_fresh_for_login(ada) == []
    assert ExternalProfile.objects.get().ask_again_at is not None


def test_a_source_that_answers_in_drips_ends_with_the_budget(crm: Crm, release: threading.Event):
    ada = a_member(an_account_for_login(crm).organization)

    def drips() -> Any:
        while not release.wait(0.02):
            yield b" "

    crm.always = lambda request: Response(drips())
    started = time.monotonic()

    assert ensure_fresh_for_login(ada, seconds=0.3) == []

    assert time.monotonic() - started < 3
    assert "did not answer within 0." in ExternalProfile.objects.get().error


@pytest.mark.parametrize("error", [ProviderFailed("no"), ZeroDivisionError(), SystemExit(1), KeyboardInterrupt()])
def test_whatever_a_provider_raises_the_sign_in_goes_on(error: BaseException):
    ada = a_member(an_organization())

    def broken(member: Member) -> Fetched:
        raise error

    with registered_as("broken", broken):
        an_account(ada.organization, "", provider="broken", max_login_age_minutes=10)
        assert ensure_fresh_for_login(ada) == []

    assert ExternalProfile.objects.get().error != ""


def test_a_job_and_a_sign_in_at_once_leave_the_later_answer(crm: Crm):
    """The job asks first and is answered last: what it brings is older than what the sign-in stored meanwhile."""
    from allegro.audience.jobs import sync_member

    account = an_account_for_login(crm)
    ada = a_member(account.organization)

    def sign_in_meanwhile(request: Any) -> Response:
        crm.people[ada.email] = {"level": "new"}
        assert ensure_fresh_for_login(Member.objects.get()) == ["json-profile"]
        return Response('{"level": "old"}')

    crm.instead = [sign_in_meanwhile]
    assert sync_member(account.pk, str(ada.pk)) == "synced: what is stored is newer"

    assert ExternalProfile.objects.get().payload == {"level": "new"}


def test_a_provider_that_cannot_say_how_old_is_too_old_is_noted_and_left_out(crm: Crm, monkeypatch):
    ada = a_member(an_account_for_login(crm).organization)
    crm.people[ada.email] = {"level": "patron"}

    def broken(self: object) -> Any:
        raise KeyError("s3cret")

    with registered_as("broken", lambda member: Fetched()):
        account = an_account(ada.organization, "", provider="broken")
        monkeypatch.setattr(type(provider_for(account)), "max_age_on_login", broken, raising=False)
        assert ensure_fresh_for_login(ada) == ["json-profile"]
        monkeypatch.undo()

    run = SyncRun.objects.get(provider="broken")
    assert run.last_error.startswith("KeyError at test_login.py:")
