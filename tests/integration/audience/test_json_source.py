from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from redis import Redis
from werkzeug import Response

from allegro.audience import jobs
from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRound, SyncRun
from allegro.audience.profiles import store
from allegro.audience.providers import Fetched, ProviderFailed
from allegro_queue.jobs import HorizonJob
from tests.support.burst import work_off_with_terms
from tests.support.people import a_member, an_account, an_organization
from tests.support.sources import Crm, saying

pytestmark = pytest.mark.django_db(transaction=True)


def a_crm_account(crm: Crm, **fields: object) -> ProviderAccount:
    return an_account(an_organization(), f"{crm.url}/people/{{email}}", **fields)


def a_patron(crm: Crm, account: ProviderAccount, email: str = "ada@example.com", **said: object) -> Member:
    crm.people[email] = {"level": "patron", **said}
    return a_member(account.organization, email)


def sync(account: ProviderAccount, member: Member) -> str:
    return jobs.sync_member(account.pk, str(member.pk))


def profile() -> ExternalProfile:
    return ExternalProfile.objects.get()


def test_what_has_not_changed_is_not_sent_again(crm: Crm):
    account = a_crm_account(crm)
    ada = a_patron(crm, account)

    assert sync(account, ada) == "synced"
    first = profile()
    assert sync(account, ada) == "unchanged"

    second = profile()
    assert crm.asked[1].headers["If-None-Match"] == first.etag
    assert second.payload == {"level": "patron"}
    assert second.synced_at is not None
    assert first.synced_at is not None
    assert second.synced_at > first.synced_at
    crm.people[ada.email] = {"level": "reader"}
    assert sync(account, ada) == "synced"
    assert profile().payload == {"level": "reader"}


def test_unchanged_means_nothing_of_a_version_that_was_stored_meanwhile(crm: Crm):
    account = a_crm_account(crm)
    ada = a_patron(crm, account)
    sync(account, ada)
    old = profile()

    newer = Fetched(payload={"level": "reader"}, etag='"newer"')
    assert store(ada, account.provider, newer, timezone.now())
    assert not store(ada, account.provider, Fetched(unchanged=True, etag=old.etag), timezone.now())

    assert profile().payload == {"level": "reader"}


def test_the_credential_goes_to_the_source_in_the_header_it_wants(crm: Crm):
    account = a_crm_account(crm)
    account.credential = crm.token = "Bearer s3cret"
    account.save()

    assert sync(account, a_patron(crm, account)) == "synced"


def test_a_credential_that_is_not_accepted_is_said_without_being_repeated(crm: Crm):
    account = a_crm_account(crm)
    account.credential = "Bearer wr0ng"
    crm.token = "Bearer s3cret"
    account.save()

    with pytest.raises(ProviderFailed, match="answered 401: it does not accept the credential") as failure:
        sync(account, a_patron(crm, account))

    assert "wr0ng" not in str(failure.value)


@pytest.mark.parametrize(
    "busy", [saying(429, Retry_After="30"), saying(503, Retry_After="30"), saying(429, RateLimit_Reset="30")]
)
def test_a_busy_source_is_left_alone_and_no_attempt_is_spent(redis: Redis, crm: Crm, busy: object):
    account = a_crm_account(crm)
    members = [a_patron(crm, account, f"{each}@example.com") for each in ("ada", "bob", "cyd")]
    redis.flushall()
    crm.always = busy  # type: ignore[assignment]
    jobs.evaluate_organization(account.organization_id)

    assert work_off_with_terms(redis) == []

    # The first to be told speaks for all.
    assert len(crm.asked) == 1
    run = SyncRun.objects.get()
    assert run.busy_until is not None
    assert timedelta(seconds=25) < run.busy_until - timezone.now() <= timedelta(seconds=30)
    assert run.failures_in_a_row == 0
    assert {each.external_profiles.get().ask_again_at for each in members} == {run.busy_until}
    done = SyncRound.objects.get()
    assert (done.dispatched, done.put_off, done.failed) == (3, 3, 0)


def test_whom_the_source_was_too_busy_for_is_asked_for_once_its_time_is_over(redis: Redis, crm: Crm):
    account = a_crm_account(crm)
    ada = a_patron(crm, account)
    crm.instead = [saying(429, Retry_After="30")]
    sync(account, ada)
    redis.flushall()
    past = timezone.now() - timedelta(seconds=1)
    SyncRun.objects.update(busy_until=past)
    ExternalProfile.objects.update(ask_again_at=past)

    assert jobs.ask_again(account.pk, "first") == 1
    work_off_with_terms(redis)

    assert profile().payload == {"level": "patron"}
    assert profile().ask_again_at is None


def test_a_job_that_goes_on_afterwards_is_queued_for_that_time_and_once(redis: Redis, crm: Crm):
    account = a_crm_account(crm)
    ada, bob = a_patron(crm, account), a_patron(crm, account, "bob@example.com")
    redis.flushall()
    crm.always = saying(429, Retry_After="30")

    sync(account, ada)
    SyncRun.objects.update(busy_until=None)
    sync(account, bob)

    scheduled = redis.zrange("rq:scheduled:audience-sync", 0, -1, withscores=True)
    assert len(scheduled) == 1
    assert 25 < scheduled[0][1] - datetime.now(UTC).timestamp() <= 31


def test_a_look_that_finds_the_source_busy_anew_is_followed_by_another(redis: Redis, crm: Crm):
    """Whoever was refused while it waited or ran could queue none: there was one."""
    account = a_crm_account(crm)
    ada = a_patron(crm, account)
    crm.instead = [saying(429, Retry_After="30")]
    sync(account, ada)
    redis.flushall()

    assert jobs.ask_again(account.pk, "first") == 0

    ((job_id, due),) = redis.zrange("rq:scheduled:audience-sync", 0, -1, withscores=True)
    assert 25 < due - datetime.now(UTC).timestamp() <= 31
    assert HorizonJob.fetch(job_id.decode(), connection=redis).args == [account.pk, "even"]


def test_the_tick_goes_on_where_redis_lost_that_job(redis: Redis, crm: Crm):
    account = a_crm_account(crm, refresh_minutes=600)
    ada = a_patron(crm, account)
    crm.instead = [saying(429, Retry_After="30")]
    jobs.evaluate_organization(account.organization_id)
    work_off_with_terms(redis)
    redis.flushall()
    past = timezone.now() - timedelta(seconds=1)
    SyncRun.objects.update(busy_until=past)
    ExternalProfile.objects.update(ask_again_at=past)

    jobs.evaluate_organization(account.organization_id)
    work_off_with_terms(redis)

    assert ada.external_profiles.get().payload == {"level": "patron"}


def test_no_round_begins_while_the_source_wants_to_be_left_alone(redis: Redis, crm: Crm):
    account = a_crm_account(crm)
    a_patron(crm, account)
    SyncRun.objects.create(
        organization=account.organization, provider=account.provider, busy_until=timezone.now() + timedelta(hours=1)
    )

    assert jobs.evaluate_organization(account.organization_id) == {}
    assert not SyncRound.objects.exists()


def test_a_wish_to_be_left_alone_for_ever_is_followed_for_an_hour(redis: Redis, crm: Crm):
    account = a_crm_account(crm)
    crm.always = saying(429, Retry_After="99999999")

    sync(account, a_patron(crm, account))

    busy_until = SyncRun.objects.get().busy_until
    assert busy_until is not None
    assert busy_until - timezone.now() <= timedelta(hours=1)


def test_an_answer_that_uses_up_the_limit_is_kept_and_followed_by_rest(redis: Redis, crm: Crm):
    account = a_crm_account(crm)
    ada, bob = a_patron(crm, account), a_member(account.organization, "bob@example.com")
    crm.instead = [saying(200, '{"level": "patron"}', X_RateLimit_Remaining="0", X_RateLimit_Reset="20")]

    assert sync(account, ada) == "synced"
    assert sync(account, bob).startswith("put off")

    assert len(crm.asked) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (saying(500), "answered 500"),
        (saying(503), "answered 503"),
        (saying(302, Location="/people/elsewhere"), "answered 302"),
        (saying(304), "answered 304"),
        (saying(200, "<html>"), "not JSON"),
        (saying(200, "[" * 60_000), "not JSON"),
        (saying(200, '"text"'), "is a JSON str; expected an object"),
        (saying(200, '{"a": "' + "x" * 70_000 + '"}'), "longer than 64 KB"),
        (saying(200, "packed", Content_Encoding="gzip"), "compressed, which was not asked for"),
    ],
)
def test_an_answer_that_brings_nothing_fails_that_member_and_keeps_what_was_known(
    crm: Crm, answer: object, reason: str
):
    account = a_crm_account(crm)
    ada = a_patron(crm, account)
    store(ada, account.provider, Fetched(payload={"level": "reader"}), timezone.now())
    crm.always = answer  # type: ignore[assignment]

    with pytest.raises(ProviderFailed, match=reason):
        sync(account, ada)

    assert profile().payload == {"level": "reader"}
    assert reason in profile().error
    run = SyncRun.objects.get()
    assert (run.failures_in_a_row, run.last_error) == (1, profile().error)


def test_a_source_that_answers_again_is_well(crm: Crm):
    account = a_crm_account(crm)
    ada = a_patron(crm, account)
    crm.instead = [saying(500), saying(500)]
    for _ in range(2):
        with pytest.raises(ProviderFailed):
            sync(account, ada)

    sync(account, ada)

    run = SyncRun.objects.get()
    assert run.failures_in_a_row == 0
    assert run.last_success_at is not None
    assert profile().error == ""


def test_a_source_that_does_not_answer_ends_in_time(crm: Crm, release: threading.Event, monkeypatch):
    account = a_crm_account(crm)
    ada = a_patron(crm, account)
    crm.always = lambda request: Response("{}") if release.wait(10) else Response(status=500)
    monkeypatch.setattr(jobs, "JOB_SECONDS", 0.3)

    with pytest.raises(ProviderFailed, match=r"127.0.0.1 did not answer within 0\.\d+ s"):
        sync(account, ada)


def test_what_the_source_says_changed_later_wins_over_what_was_asked_for_later(crm: Crm):
    account = a_crm_account(crm)
    ada = a_patron(crm, account, updated_at="2026-03-01T12:00:00Z")
    sync(account, ada)

    # A replica of the source that lags behind.
    crm.people[ada.email] = {"level": "reader", "updated_at": "2026-03-01T11:59:00Z"}
    assert sync(account, ada) == "synced: what is stored is newer"

    assert profile().payload["level"] == "patron"
    crm.people[ada.email] = {"level": "donor", "updated_at": "2026-03-01T12:01:00Z"}
    assert sync(account, ada) == "synced"
    assert profile().payload["level"] == "donor"


def test_a_source_that_dates_a_change_into_the_future_cannot_shut_out_what_follows(crm: Crm):
    account = a_crm_account(crm)
    ada = a_patron(crm, account, updated_at="2999-01-01T00:00:00Z")
    sync(account, ada)

    crm.people[ada.email] = {"level": "reader", "updated_at": "2026-03-01T12:00:00Z"}
    assert sync(account, ada) == "synced"

    assert profile().payload["level"] == "reader"


def test_a_row_of_a_list_that_cannot_be_kept_holds_up_no_other(redis: Redis, crm: Crm):
    account = a_crm_account(crm, list_url=f"{crm.url}/people", read_list=True)
    ada, bob = a_patron(crm, account, name="a\u0000b"), a_patron(crm, account, "bob@example.com")
    redis.flushall()

    jobs.evaluate_organization(account.organization_id)
    failed = work_off_with_terms(redis)

    assert len(failed) == 1
    assert "the character NUL" in ada.external_profiles.get().error
    assert bob.external_profiles.get().payload["level"] == "patron"


def test_a_late_failure_does_not_hide_an_answer_that_came_meanwhile(crm: Crm):
    account = a_crm_account(crm)
    ada = a_patron(crm, account)

    def meanwhile(request: object) -> Response:
        store(ada, account.provider, Fetched(payload={"level": "donor"}), timezone.now())
        return Response(status=500)

    crm.instead = [meanwhile]
    with pytest.raises(ProviderFailed):
        sync(account, ada)

    assert (profile().payload, profile().error, profile().failed_at) == ({"level": "donor"}, "", None)


def test_a_member_deleted_while_the_source_is_asked_is_no_fault(crm: Crm):
    account = a_crm_account(crm)
    ada = a_patron(crm, account)

    def meanwhile(request: object) -> Response:
        Member.objects.all().delete()
        return Response('{"level": "patron"}')

    crm.instead = [meanwhile]
    sync(account, ada)

    assert not ExternalProfile.objects.exists()


def test_a_list_is_read_first_and_only_the_rest_is_asked_for(redis: Redis, crm: Crm):
    account = a_crm_account(crm, list_url=f"{crm.url}/people", read_list=True)
    for name in ("ada", "bob", "cyd", "dan", "eve"):
        a_patron(crm, account, f"{name}@example.com")
    crm.people["stranger@example.com"] = {"level": "patron"}
    unlisted = a_member(account.organization, "zoe@example.com")
    redis.flushall()

    jobs.evaluate_organization(account.organization_id)
    assert work_off_with_terms(redis) == []

    assert [each.path for each in crm.asked] == ["/people"] * 3 + ["/people/zoe@example.com"]
    done = SyncRound.objects.get()
    assert (done.pages, done.listed, done.dispatched, done.synced) == (3, 5, 1, 1)
    assert ExternalProfile.objects.filter(payload__level="patron").count() == 5
    assert unlisted.external_profiles.get().payload == {}


def test_a_list_goes_on_at_its_page_after_a_rest(redis: Redis, crm: Crm):
    account = a_crm_account(crm, list_url=f"{crm.url}/people", read_list=True)
    for name in ("ada", "bob", "cyd"):
        a_patron(crm, account, f"{name}@example.com")
    redis.flushall()
    crm.instead = [crm.answer, saying(429, Retry_After="30")]
    jobs.evaluate_organization(account.organization_id)
    work_off_with_terms(redis)
    assert SyncRound.objects.get().pages == 1

    SyncRun.objects.update(busy_until=None)
    jobs.evaluate_organization(account.organization_id)
    work_off_with_terms(redis)

    assert [(each.path, each.query) for each in crm.asked] == [
        ("/people", ""),
        ("/people", "page=2"),
        ("/people", "page=2"),
    ]
    assert ExternalProfile.objects.count() == 3


@pytest.mark.parametrize(
    "answer",
    [
        saying(500),
        saying(404),
        saying(200, "{}"),
        saying(200, '{"members": [], "next": "https://evil.example/"}'),
    ],
)
def test_a_list_that_cannot_be_read_costs_nothing_but_the_list(redis: Redis, crm: Crm, answer: object):
    account = a_crm_account(crm, list_url=f"{crm.url}/people", read_list=True)
    ada = a_patron(crm, account)
    redis.flushall()
    crm.instead = [answer]  # type: ignore[list-item]

    jobs.evaluate_organization(account.organization_id)
    assert work_off_with_terms(redis) == []

    assert ada.external_profiles.get().payload == {"level": "patron"}
    assert SyncRun.objects.get().last_error.startswith("The list was not read: ")
