"""The pages of failure groups: what broke, how much of it, since when; and what people note of it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.access import Access
from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.page import files
from allegro_queue.history.groups import GroupState
from allegro_queue.history.models import FailureGroup, Run, Series
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.terms import Terms
from tests.support import scenes
from tests.support.digest import digest
from tests.support.endless import endless
from tests.support.failed_jobs import failed_ids
from tests.support.runs import TRACEBACK, collected, failed_record, run_record

pytestmark = pytest.mark.django_db

QUEUES = ("high", "default", "audience-sync")


def words_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def failures(stores: Stores, now: float) -> str:
    """A group of six in two tenants and one of a single failure; the fingerprint of the former."""
    many = [
        failed_record(
            now - 60 * place, name="shop.hooks.jobs.deliver", error="TimeoutError: no answer in 10 s",
            terms=Terms(tenant=f"organization:{place % 2}").encode(), version="2.0",
        )
        for place in range(6)
    ]  # fmt: skip
    collected(stores, *many, failed_record(now - 30), run_record(now))
    return FailureGroup.objects.get(exception="TimeoutError").fingerprint


def page_of(fingerprint: str) -> str:
    return reverse("horizon:failure", kwargs={"fingerprint": fingerprint})


def test_the_list_says_which_error_makes_up_most_of_the_failures(client: Client, stores: Stores) -> None:
    failures(stores, time.time())

    answer = client.get(reverse("horizon:failures"))

    page = answer.context["page"]
    assert page.sentence.startswith("One error makes up 86 % of the last day’s failures: deliver: TimeoutError")
    assert page.sub == "7 failed attempts in 2 groups in the last 24 hours. The other 1 group has 1."
    deliver, pay = sorted(page.lines, key=lambda each: each.title)
    assert (deliver.row.last_day, deliver.row.last_week, deliver.tenants) == (6, 6, "2")
    assert (pay.row.last_day, pay.tenants) == (1, "0")
    assert "since version 2.0" in words_of(answer)


def test_the_navigation_leads_to_the_groups(client: Client, stores: Stores) -> None:
    items = [item for group in client.get(reverse("horizon:overview")).context["frame"].nav for item in group]

    assert [each.address for each in items if each.label == "Failures"] == [reverse("horizon:failures")]


def test_nothing_failed_is_said_in_words(client: Client, stores: Stores) -> None:
    text = words_of(client.get(reverse("horizon:failures")))

    assert "Nothing here failed in the last 24 hours." in text
    assert "No job has failed in the time that history is kept" in text


def test_a_group_shows_its_chart_its_traceback_and_its_attempts(client: Client, stores: Stores) -> None:
    now = time.time()
    fingerprint = failures(stores, now)

    answer = client.get(page_of(fingerprint))

    page, text = answer.context["page"], words_of(answer)
    assert page.sentence.startswith("deliver: TimeoutError, 6 failed attempts since ")
    assert page.chart_sentence.startswith("6 failed attempts, at most ")
    assert "orders/jobs.py in pay" in text
    assert "charge(order)" in text
    assert len(page.runs) == 6
    assert reverse("horizon:job", kwargs={"job_id": page.runs[0].run.job_id}) in answer.content.decode()
    assert "organization:0" in text


@pytest.mark.parametrize("key", ["24h", "30d", "400d", "nonsense"])
def test_the_chart_of_a_group_counts_all_attempts_over_every_range(client: Client, stores: Stores, key: str) -> None:
    fingerprint = failures(stores, time.time())

    page = client.get(f"{page_of(fingerprint)}?range={key}").context["page"]

    assert page.chart_sentence.startswith("6 failed attempts")
    rows = client.get(page.csv).content.decode().split()[1:]
    assert sum(float(each.split(",")[1] or 0) for each in rows) == 6


@pytest.mark.django_db(transaction=True)
def test_the_csv_of_a_chart_waits_for_no_database_without_end(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FILE_SECONDS", 0.1)
    address = client.get(page_of(failures(stores, time.time()))).context["page"].csv

    with endless(Series._meta.db_table):
        answer = client.get(address)

    assert answer.status_code == 503
    assert answer.content.decode() == "The database did not answer within 100 ms. Try again in a while.\n"


def test_the_csv_of_a_chart_says_that_redis_is_away(client: Client, redis_away: None) -> None:
    answer = client.get(reverse("horizon:failure_csv", kwargs={"fingerprint": "any"}))

    assert (answer.status_code, answer.content.decode()) == (503, "Redis did not answer. Try again in a while.\n")


def test_an_unknown_group_gets_a_page_that_says_so(client: Client, stores: Stores) -> None:
    answer = client.get(page_of("<script>"))

    assert answer.status_code == 404
    assert "There is no such group of failures." in answer.content.decode()
    assert client.get(page_of("nope") + "failures.csv").status_code == 404


def test_what_a_failure_says_is_escaped(client: Client, stores: Stores) -> None:
    evil = '<img src=x onerror="alert(1)">'
    collected(stores, failed_record(time.time(), error=f"Evil: {evil}", traceback=f"{TRACEBACK}\n{evil}"))

    for address in (reverse("horizon:failures"), page_of(FailureGroup.objects.get().fingerprint)):
        assert "<img" not in client.get(address).content.decode()


def do(client: Client, **form: Any) -> str:
    """Note something; what the next page will say."""
    answer = client.post(reverse("horizon:mark_failure"), form)
    assert answer.status_code == 302
    return str(list(get_messages(answer.wsgi_request))[-1])


def test_a_group_is_noted_as_known_muted_and_resolved_and_the_journal_knows_it(client: Client, stores: Stores) -> None:
    fingerprint = failures(stores, time.time())
    group = FailureGroup.objects.filter(fingerprint=fingerprint)

    assert do(client, group=fingerprint, state="known", reason="ticket 12") == "Noted as known."
    assert group.get().state == GroupState.KNOWN
    assert do(client, group=fingerprint, state="muted", minutes="60") == "Muted for 1 h. It is counted all the same."
    assert group.get().muted_until == pytest.approx(time.time() + 3600, abs=60)
    assert "Muted" in words_of(client.get(reverse("horizon:failures") + "?state=muted"))
    assert do(client, group=fingerprint, state="resolved") == "Noted as resolved."
    deeds = list(Activity.objects.order_by("id"))
    assert [each.action for each in deeds] == ["mark failure"] * 3
    assert (deeds[0].subject, deeds[0].reason) == (f"failure group {fingerprint}", "ticket 12")
    assert len(client.get(reverse("horizon:failures")).context["page"].lines) == 1


@pytest.mark.parametrize(
    "form",
    [{"state": "new"}, {"state": "again"}, {}, {"state": "muted"}, {"state": "muted", "minutes": "43201"},
     {"state": "known", "reason": "x" * 201}],
)  # fmt: skip
def test_nothing_is_noted_that_a_person_cannot_note(client: Client, stores: Stores, form: dict[str, str]) -> None:
    fingerprint = failures(stores, time.time())

    assert do(client, group=fingerprint, **form).startswith(("Nothing was noted", "Nothing was done"))
    assert FailureGroup.objects.get(fingerprint=fingerprint).state == GroupState.NEW


def reader(request: Any) -> Access:
    """A gate that lets in everybody, to look."""
    return Access(True, rights=frozenset({Right.VIEW}))


def test_who_may_only_look_gets_no_button_and_no_effect(client: Client, stores: Stores, settings: Any) -> None:
    fingerprint = failures(stores, time.time())
    settings.HORIZON = {**settings.HORIZON, "environment": "production", "gate": f"{__name__}.reader"}

    body = client.get(page_of(fingerprint)).content.decode()
    answer = client.post(reverse("horizon:mark_failure"), {"group": fingerprint, "state": "known"})

    for word in ("Note as", "Retry its failed jobs", "Delete its failed jobs"):
        assert word not in body
    assert (answer.status_code, "allegro_queue.edit_alerts" in answer.content.decode()) == (403, True)
    assert FailureGroup.objects.get(fingerprint=fingerprint).state == GroupState.NEW


def test_only_jobs_that_the_group_left_failed_are_retried(client: Client, redis: Redis, stores: Stores) -> None:
    now = time.time()
    mine, other, later = (scenes.failed_job(stores, now - 60) for _ in range(3))
    collected(
        stores,
        failed_record(now - 60, job_id=mine),
        failed_record(now - 60, job_id=other, error="KeyError: 'x'"),
        failed_record(now - 60, job_id=later),
        failed_record(now - 30, job_id=later, error="KeyError: 'x'"),
        failed_record(now - 20, job_id="gone"),
    )
    fingerprint = FailureGroup.objects.get(exception="ValueError").fingerprint
    step = reverse("horizon:confirm_failure", kwargs={"fingerprint": fingerprint, "act": "retry"})

    asked = client.get(step)
    assert asked.context["page"].question == "Retry 1 failed job?"
    form = {"id": list(asked.context["page"].chosen.ids), "failed_until": now + 60, "next": page_of(fingerprint)}
    answer = client.post(reverse("horizon:retry"), form)

    assert answer.headers["Location"] == page_of(fingerprint)
    assert [row.id for row in stores.jobs.page(State.WAITING, QUEUES)[0]] == [mine]
    assert set(failed_ids(stores, QUEUES)) == {other, later}


def test_the_pages_of_failures_cost_a_fixed_number_of_queries_and_round_trips(
    client: Client, stores: Stores, django_assert_max_num_queries: Any
) -> None:
    fingerprint = failures(stores, time.time())
    stores.alerts.show(0)
    for address in (reverse("horizon:failures"), page_of(fingerprint)):
        client.get(address)
        before = int(stores.client.info("stats")["total_reads_processed"])

        with django_assert_max_num_queries(8):
            client.get(address)

        assert int(stores.client.info("stats")["total_reads_processed"]) - before - 1 <= 6


def test_looking_at_failures_changes_nothing(client: Client, stores: Stores) -> None:
    fingerprint = failures(stores, time.time())
    before = digest(stores.client)

    client.get(reverse("horizon:failures"))
    client.get(page_of(fingerprint))

    assert digest(stores.client) == before
    assert (Run.objects.count(), FailureGroup.objects.get(fingerprint=fingerprint).state) == (8, GroupState.NEW)
