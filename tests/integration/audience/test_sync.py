from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_httpserver import HTTPServer
from redis import Redis
from werkzeug import Request, Response

from allegro.audience import freshness, jobs, profiles, rounds
from allegro.audience.models import ExternalProfile, SyncRound, SyncRun
from allegro.audience.providers import Fetched, ProviderFailed, provider_for
from tests.support.burst import queued
from tests.support.burst import work_off_with_terms as work_off
from tests.support.people import a_member, an_account, an_organization

pytestmark = pytest.mark.django_db(transaction=True)


def crm_url(httpserver: HTTPServer, path: str = "crm") -> str:
    return httpserver.url_for(f"/{path}/{{email}}")


def test_a_tick_ends_with_every_members_profile_fetched(redis: Redis, httpserver: HTTPServer):
    news = an_organization()
    ada, bob = a_member(news), a_member(news, "bob@example.com")
    an_account(news, crm_url(httpserver))
    httpserver.expect_request("/crm/ada@example.com").respond_with_json({"level": "patron"})
    httpserver.expect_request("/crm/bob@example.com").respond_with_data("", status=404)
    redis.flushall()

    call_command("audience_sync_tick", stdout=StringIO())
    failed = work_off(redis)

    assert failed == []
    assert ada.external_profiles.get().payload == {"level": "patron"}
    assert bob.external_profiles.get().payload == {}
    assert SyncRun.objects.get().dispatched_members == 2


def test_everything_of_a_sync_goes_to_its_own_queue(redis: Redis):
    news = an_organization()
    ada = a_member(news)
    account = an_account(news, "http://crm.invalid/{email}")
    redis.flushall()

    jobs.tick()
    assert queued(redis, "audience-sync") == [("allegro.audience.jobs.evaluate_organization", (news.pk,))]

    jobs.evaluate_organization(news.pk)
    assert queued(redis, "audience-sync")[1:] == [
        ("allegro.audience.jobs.sync_member", (account.pk, str(ada.pk), str(SyncRound.objects.get().pk)))
    ]


def test_a_round_is_due_by_its_last_dispatch_and_not_before(redis: Redis):
    news = an_organization()
    a_member(news)
    an_account(news, "http://crm.invalid/{email}", refresh_minutes=60)
    now = timezone.now()

    assert rounds.evaluate(news.pk, now).dispatched == {"json-profile": 1}
    redis.flushall()
    assert rounds.evaluate(news.pk, now + timedelta(minutes=55)).dispatched == {}
    assert rounds.evaluate(news.pk, now + timedelta(minutes=60, seconds=-2)).dispatched == {"json-profile": 1}


def test_of_many_evaluations_at_once_only_one_begins_the_round(redis: Redis):
    news = an_organization()
    a_member(news)
    account = an_account(news, "http://crm.invalid/{email}")
    now = timezone.now()
    ready = threading.Barrier(6)

    def claim(number: int) -> bool:
        try:
            ready.wait(10)
            return rounds.claim_round(account, timedelta(hours=1), now + timedelta(milliseconds=number)) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        claims = list(pool.map(claim, range(6)))

    assert sorted(claims) == [False] * 5 + [True]
    assert SyncRound.objects.count() == 1


def test_a_round_that_could_not_be_queued_goes_on_with_the_next_tick(redis: Redis, redis_goes_away):
    news = an_organization()
    a_member(news)
    an_account(news, "http://crm.invalid/{email}")

    with redis_goes_away(), pytest.raises(rounds.RoundsFailed, match=r"json-profile: Redis at .* did not answer"):
        jobs.evaluate_organization(news.pk)

    assert "did not answer" in SyncRound.objects.get().error
    assert jobs.evaluate_organization(news.pk) == {"json-profile": 1}
    assert (SyncRound.objects.get().dispatched, SyncRound.objects.get().error) == (1, "")
    assert SyncRun.objects.get().dispatched_members == 1


def test_a_provider_that_is_not_registered_does_not_hold_up_the_others(redis: Redis):
    news = an_organization()
    a_member(news)
    an_account(news, "http://crm.invalid/{email}", provider="gone")
    an_account(news, "http://crm.invalid/{email}")
    redis.flushall()

    with pytest.raises(rounds.RoundsFailed, match="gone: No app has registered the provider 'gone'"):
        jobs.evaluate_organization(news.pk)

    assert [name for name, _ in queued(redis, "audience-sync")] == ["allegro.audience.jobs.sync_member"]


def test_one_members_failure_is_on_their_profile_and_leaves_the_others_alone(redis: Redis, httpserver: HTTPServer):
    news = an_organization()
    ada, bob = a_member(news), a_member(news, "bob@example.com")
    an_account(news, crm_url(httpserver))
    httpserver.expect_request("/crm/ada@example.com").respond_with_data("oops", status=503)
    httpserver.expect_request("/crm/bob@example.com").respond_with_json({"level": "reader"})
    redis.flushall()

    jobs.tick()
    failed = work_off(redis)

    assert [job.func_name for job in failed] == ["allegro.audience.jobs.sync_member"]
    assert ada.external_profiles.get().error == "The source answered 503; expected 200, or 404 for an unknown member."
    assert ada.external_profiles.get().synced_at is None
    assert bob.external_profiles.get().payload == {"level": "reader"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [("{", "is not JSON"), ("[1]", "is a JSON list; expected an object"), (" " * 70_000, "longer than 64 KB")],
)
def test_an_answer_that_makes_no_sense_fails_and_keeps_what_was_known(httpserver: HTTPServer, body: str, reason: str):
    news = an_organization()
    ada = a_member(news)
    account = an_account(news, crm_url(httpserver))
    profiles.store(ada, "json-profile", Fetched(payload={"level": "patron"}), timezone.now())
    httpserver.expect_request("/crm/ada@example.com").respond_with_data(body)

    with pytest.raises(ProviderFailed, match=reason):
        jobs.sync_member(account.pk, str(ada.pk))

    profile = ExternalProfile.objects.get()
    assert profile.payload == {"level": "patron"}
    assert reason in profile.error


def test_newer_data_is_never_overwritten_by_older():
    ada = a_member(an_organization())
    now = timezone.now()

    assert profiles.store(ada, "json-profile", Fetched(payload={"version": 2}), now)
    assert not profiles.store(ada, "json-profile", Fetched(payload={"version": 1}), now - timedelta(seconds=1))

    assert ada.external_profiles.get().payload == {"version": 2}


def test_what_was_switched_off_or_deleted_since_is_skipped():
    news = an_organization()
    ada = a_member(news)
    account = an_account(news, "http://crm.invalid/{email}")
    elsewhere = a_member(an_organization("elsewhere"))

    assert jobs.sync_member(account.pk, str(elsewhere.pk)) == "skipped: the member was deleted"
    account.enabled = False
    account.save()
    assert jobs.sync_member(account.pk, str(ada.pk)) == "skipped: the account was switched off or deleted"


def test_signing_in_asks_a_stale_source_and_leaves_a_fresh_one_alone(httpserver: HTTPServer):
    news = an_organization()
    ada = a_member(news)
    an_account(news, crm_url(httpserver), max_login_age_minutes=10)
    httpserver.expect_ordered_request("/crm/ada@example.com").respond_with_json({"level": "patron"})

    assert freshness.ensure_fresh_for_login(ada) == ["json-profile"]
    assert freshness.ensure_fresh_for_login(ada) == []

    assert len(httpserver.log) == 1


def test_signing_in_never_asks_a_source_without_an_age(httpserver: HTTPServer):
    news = an_organization()
    an_account(news, crm_url(httpserver))

    assert freshness.ensure_fresh_for_login(a_member(news)) == []
    assert httpserver.log == []


def test_signing_in_goes_on_with_what_is_stored_when_a_source_takes_too_long(httpserver: HTTPServer, release):
    def dawdle(request: Request) -> Response:
        release.wait(10)
        return Response("{}")

    news = an_organization()
    ada = a_member(news)
    an_account(news, crm_url(httpserver), max_login_age_minutes=10)
    httpserver.expect_request("/crm/ada@example.com").respond_with_handler(dawdle)

    assert freshness.ensure_fresh_for_login(ada, seconds=0.3) == []
    assert "did not answer within 0." in ada.external_profiles.get().error
    assert SyncRun.objects.get().stale_sign_ins == 1


def test_signing_in_goes_on_when_a_provider_is_broken(monkeypatch):
    news = an_organization()
    ada = a_member(news)
    account = an_account(news, "http://crm.invalid/{email}", max_login_age_minutes=10)

    def broken(self: object, member: object, known: object, *, seconds: float) -> None:
        raise ZeroDivisionError(f"while asking for {ada.email} with the key s3cret")

    monkeypatch.setattr(type(provider_for(account)), "sync", broken)

    assert freshness.ensure_fresh_for_login(ada) == []
    # Its message may hold anything, so only its kind and place are told.
    assert ada.external_profiles.get().error.startswith("ZeroDivisionError at test_sync.py:")
    assert "s3cret" not in ada.external_profiles.get().error


def test_warming_a_profile_leaves_nothing_for_the_sign_in_to_ask(httpserver: HTTPServer):
    news = an_organization()
    ada = a_member(news)
    an_account(news, crm_url(httpserver), max_login_age_minutes=10)
    httpserver.expect_request("/crm/ada@example.com").respond_with_json({})
    # Fresh now, but not for long: by the time the link is followed it would be stale.
    profiles.store(ada, "json-profile", Fetched(), timezone.now() - timedelta(minutes=8))

    assert jobs.prewarm_profile(str(ada.pk)) == ["json-profile"]
    assert jobs.prewarm_profile(str(ada.pk)) == []
    assert freshness.ensure_fresh_for_login(ada) == []

    assert len(httpserver.log) == 1


def test_the_command_queues_the_tick_or_runs_it(redis: Redis):
    an_organization()
    out = StringIO()

    call_command("audience_sync_tick", stdout=out)
    call_command("audience_sync_tick", "--now", stdout=out)

    assert [name for name, _ in queued(redis, "audience-sync")] == [
        "allegro.audience.jobs.tick",
        "allegro.audience.jobs.evaluate_organization",
    ]
    assert "Queued the tick on audience-sync as job" in out.getvalue()
    assert "Queued 1 evaluation on audience-sync." in out.getvalue()


def test_the_command_says_so_when_redis_is_away(redis_away):
    with pytest.raises(CommandError, match="did not answer"):
        call_command("audience_sync_tick")
