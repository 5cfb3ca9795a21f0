from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from allegro.audience import jobs, rounds
from allegro.audience.models import Member, ProviderAccount, SyncRound, SyncRun
from allegro.audience.providers import Fetched
from allegro_queue.stores import Stores
from allegro_queue.tenancy import current_tenant
from allegro_queue.terms import FIELD, decode_terms
from tests.support.burst import queued, work_off_with_terms
from tests.support.people import a_member, an_account, an_organization
from tests.support.providers import registered_as

pytestmark = pytest.mark.django_db(transaction=True)

SYNC = "allegro.audience.jobs.sync_member"
GO_ON = "allegro.audience.jobs.continue_round"


def many_members(account: ProviderAccount, number: int) -> list[Member]:
    return Member.objects.bulk_create(
        Member(organization=account.organization, email=f"reader-{each}@example.com") for each in range(number)
    )


def an_idle_account(slug: str = "city-news", **fields: Any) -> ProviderAccount:
    return an_account(an_organization(slug), "http://crm.invalid/{email}", **fields)


def asked_for(redis: Redis) -> list[str]:
    """Members whose jobs are queued."""
    return [str(args[1]) for name, args in queued(redis, "audience-sync") if name == SYNC]


def test_members_are_queued_portion_by_portion_each_once(redis: Redis, monkeypatch):
    monkeypatch.setattr(rounds, "PORTION", 10)
    account = an_idle_account()
    members = many_members(account, 45)

    assert jobs.evaluate_organization(account.organization_id) == {"json-profile": 45}

    assert sorted(asked_for(redis)) == sorted(str(each.pk) for each in members)
    done = SyncRound.objects.get()
    assert (done.dispatched, done.pending_already) == (45, 0)
    assert done.dispatched_at is not None


def test_a_round_that_takes_long_goes_on_in_further_jobs(redis: Redis, monkeypatch):
    monkeypatch.setattr(rounds, "PORTION", 10)
    # Time is up after each portion.
    monkeypatch.setattr(rounds, "STEP_SECONDS", 1e-9)
    ticks = iter(range(1_000_000))
    monkeypatch.setattr(rounds.time, "monotonic", lambda: next(ticks) * 6e-10)
    account = an_idle_account()
    many_members(account, 45)

    assert jobs.evaluate_organization(account.organization_id) == {"json-profile": 10}
    name, args = queued(redis, "audience-sync")[-1]
    assert (name, SyncRound.objects.get().dispatched_at) == (GO_ON, None)
    steps = 0
    while SyncRound.objects.get().dispatched_at is None:
        jobs.continue_round(*args)
        steps += 1

    assert steps == 4
    assert len(set(asked_for(redis))) == len(asked_for(redis)) == 45
    assert jobs.continue_round(*args).startswith("skipped")


def test_the_next_step_waits_behind_the_members_that_a_step_has_queued(redis: Redis, monkeypatch):
    monkeypatch.setattr(rounds, "PORTION", 10)
    monkeypatch.setattr(rounds, "STEP_MEMBERS", 20)
    asked: list[int] = []

    def note(member: Member) -> Fetched:
        asked.append(redis.llen("rq:queue:audience-sync"))
        return Fetched()

    with registered_as("noting", note):
        account = an_idle_account(provider="noting")
        many_members(account, 65)
        redis.flushall()
        jobs.tick()
        assert work_off_with_terms(redis) == []

    assert len(asked) == 65
    # Never more than one step's members at a time, and the job that goes on.
    assert max(asked) <= 20
    assert SyncRound.objects.get().synced == 65


def test_a_round_whose_job_was_lost_is_taken_up_where_it_stood(redis: Redis, monkeypatch):
    monkeypatch.setattr(rounds, "PORTION", 10)
    account = an_idle_account(refresh_minutes=600)
    members = sorted(many_members(account, 25), key=lambda each: each.pk)
    started = timezone.now() - timedelta(minutes=10)
    SyncRun.objects.create(organization=account.organization, provider=account.provider, last_dispatched_at=started)
    # Killed after the first portion.
    SyncRound.objects.create(account=account, started_at=started, cursor=members[9].pk, dispatched=10, moved_at=started)

    jobs.evaluate_organization(account.organization_id)
    jobs.evaluate_organization(account.organization_id)
    ((name, args),) = queued(redis, "audience-sync")
    assert (name, jobs.continue_round(*args)) == (GO_ON, "queued 15")

    assert sorted(asked_for(redis)) == [str(each.pk) for each in members[10:]]
    assert SyncRound.objects.get().dispatched == SyncRun.objects.get().dispatched_members == 25


def test_a_round_in_somebodys_hands_is_left_there(redis: Redis):
    account = an_idle_account()
    many_members(account, 3)
    SyncRound.objects.create(account=account, moved_at=timezone.now() - timedelta(minutes=1))

    assert jobs.evaluate_organization(account.organization_id) == {}
    assert queued(redis, "audience-sync") == []


def test_of_two_who_go_on_with_one_round_one_gives_way_and_nobody_is_queued_twice(redis: Redis, monkeypatch):
    monkeypatch.setattr(rounds, "PORTION", 10)
    account = an_idle_account()
    many_members(account, 35)
    step = SyncRound.objects.create(account=account)
    behind = SyncRound.objects.get()

    provider = rounds.provider_for(account)
    rounds.queue_portions(step, account, provider)
    assert rounds.queue_portions(behind, account, provider) == 0

    assert len(asked_for(redis)) == 35
    done = SyncRound.objects.get()
    assert (done.dispatched, done.pending_already) == (35, 0)


def test_a_member_whose_job_still_waits_gets_no_second_one(redis: Redis):
    account = an_idle_account()
    many_members(account, 3)

    now = timezone.now()
    for number in range(4):
        rounds.evaluate(account.organization_id, now + timedelta(days=number))

    assert len(asked_for(redis)) == 3
    latest = SyncRound.objects.first()
    assert latest is not None
    assert (latest.dispatched, latest.pending_already) == (0, 3)


def test_ticks_do_not_pile_up_evaluations_while_no_worker_runs(redis: Redis):
    organizations = [an_organization(), an_organization("elsewhere")]

    for _ in range(6):
        jobs.tick()

    assert sorted(args for _, args in queued(redis, "audience-sync")) == sorted((each.pk,) for each in organizations)


def test_every_job_acts_for_its_organization_and_is_found_by_its_tags(redis: Redis):
    account = an_idle_account()
    (ada,) = many_members(account, 1)

    jobs.tick()
    jobs.evaluate_organization(account.organization_id)
    rounds.queue_round(account, SyncRound.objects.get().pk)

    terms = {}
    for job_id in redis.lrange("rq:queue:audience-sync", 0, -1):
        name = redis.hget(f"rq:job:{job_id.decode()}", "description")
        terms[name.decode().rpartition(".")[2]] = decode_terms(redis.hget(f"rq:job:{job_id.decode()}", FIELD))
    organization = f"organization:{account.organization_id}"
    assert {each.tenant for each in terms.values()} == {str(account.organization_id)}
    assert terms["evaluate_organization"].tags == (organization,)
    assert terms["continue_round"].tags == (organization, "provider:json-profile")
    assert terms["sync_member"].tags == (organization, "provider:json-profile", f"member:{ada.pk}")


def test_a_worker_acts_for_the_jobs_organization_and_for_nobody_afterwards(redis: Redis):
    seen: list[str] = []

    def look(member: Member) -> Fetched:
        seen.append(current_tenant())
        return Fetched()

    with registered_as("looking", look):
        accounts = [an_idle_account(slug, provider="looking") for slug in ("one", "two")]
        for account in accounts:
            many_members(account, 1)
        redis.flushall()
        jobs.tick()
        assert work_off_with_terms(redis) == []

    assert sorted(seen) == sorted(str(each.organization_id) for each in accounts)
    assert current_tenant() == ""


def test_an_accounts_pace_is_kept(redis: Redis, stores: Stores):
    asked: list[str] = []

    def note(member: Member) -> Fetched:
        asked.append(member.email)
        return Fetched()

    with registered_as("noting", note):
        account = an_idle_account(provider="noting", requests_per_minute=3)
        many_members(account, 8)
        redis.flushall()
        jobs.evaluate_organization(account.organization_id)
        assert work_off_with_terms(redis) == []

    # The rest waits for its minute; nothing failed, and nothing was asked in vain.
    assert len(asked) == 3
    assert SyncRound.objects.get().synced == 3


def test_a_provider_cannot_reach_the_members_of_another_organization(redis: Redis):
    with registered_as("greedy", lambda member: Fetched(), members=lambda: Member.objects.all()):
        account = an_idle_account(provider="greedy")
        mine = a_member(account.organization)
        a_member(an_organization("elsewhere"))

        jobs.evaluate_organization(account.organization_id)

    assert asked_for(redis) == [str(mine.pk)]


def test_a_provider_that_breaks_while_it_says_whom_to_sync_holds_up_no_other(redis: Redis):
    def broken() -> Any:
        raise KeyError("s3cret")

    with registered_as("broken", lambda member: Fetched(), members=broken):
        account = an_idle_account(provider="broken")
        ada = a_member(account.organization)
        an_account(account.organization, "http://crm.invalid/{email}")

        with pytest.raises(rounds.RoundsFailed, match=r"broken: KeyError at test_rounds\.py") as failure:
            jobs.evaluate_organization(account.organization_id)

    assert "s3cret" not in str(failure.value)
    assert asked_for(redis) == [str(ada.pk)]
    run = SyncRun.objects.get(provider="broken")
    assert (run.failures_in_a_row, run.last_error[:8]) == (1, "KeyError")
    # Nothing was dispatched, so the next tick tries again.
    step = SyncRound.objects.get(account=account)
    assert (step.dispatched_at, step.moved_at, step.error[:8]) == (None, None, "KeyError")


def test_one_organizations_trouble_does_not_touch_another(redis: Redis):
    def broken() -> Any:
        raise KeyError

    with registered_as("broken", lambda member: Fetched(), members=broken):
        a_member(an_idle_account("troubled", provider="broken").organization)
        ada = a_member(an_idle_account("well").organization)
        redis.flushall()
        jobs.tick()
        failed = work_off_with_terms(redis)

    assert [job.func_name for job in failed if job.func_name != SYNC] == ["allegro.audience.jobs.evaluate_organization"]
    # Its source is nowhere, but it was asked.
    assert "crm.invalid" in ada.external_profiles.get().error


def test_what_a_provider_returns_must_be_an_answer(redis: Redis):
    with registered_as("sloppy", lambda member: {"level": "patron"}):  # type: ignore[arg-type, return-value]
        account = an_idle_account(provider="sloppy")
        ada = a_member(account.organization)
        with pytest.raises(Exception, match="returned a dict; it must return Fetched"):
            jobs.sync_member(account.pk, str(ada.pk))


def test_a_round_ends_when_its_account_is_switched_off(redis: Redis):
    account = an_idle_account(enabled=False)
    many_members(account, 3)
    step = SyncRound.objects.create(account=account)

    assert jobs.continue_round(str(step.pk), "even") == "ended: the account was switched off"

    assert asked_for(redis) == []
    assert SyncRound.objects.get().dispatched_at is not None


def test_rounds_are_kept_for_a_month(redis: Redis):
    account = an_idle_account()
    now = timezone.now()
    for days in (29, 31):
        started = now - timedelta(days=days)
        SyncRound.objects.create(account=account, started_at=started, dispatched_at=started)

    jobs.evaluate_organization(account.organization_id)

    assert sorted((timezone.now() - each.started_at).days for each in SyncRound.objects.all()) == [0, 29]
