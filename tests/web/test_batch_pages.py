"""The pages of batches, what can be done to one, and what a job's page shows of its own words."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro.accounts.models import User
from allegro_queue.activity.models import Activity
from allegro_queue.batches import NewBatch, batch, follow_up
from allegro_queue.dispatch import dispatch
from allegro_queue.job_notes import LogLine, Progress, Said
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.batches import BatchRecord
from tests.support import batch_jobs, jobs
from tests.support.burst import work_off_with_terms

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def half_failed(redis: Redis, tmp_path: Path) -> NewBatch:
    """Ended with one success, two failures that would succeed now, and what followed."""
    flag = tmp_path / "flag"
    with batch("Import of members", finally_=follow_up(jobs.nothing), allow_failures=True) as made:
        made.add(jobs.nothing)
        for _ in range(2):
            made.add(batch_jobs.fail_unless, str(flag), options=JobOptions(tries=1))
    work_off_with_terms(redis)
    flag.touch()
    return made


@pytest.fixture
def waiting(redis: Redis) -> NewBatch:
    with batch("Export <b>") as made:
        made.add_many(jobs.nothing, [()] * 3)
    return made


def text_of(client: Client, name: str, status: int = 200, **places: str) -> str:
    answer = client.get(reverse(f"horizon:{name}", kwargs=places))
    assert answer.status_code == status
    return answer.content.decode()


def record(made: NewBatch) -> BatchRecord:
    found = made.record()
    assert found is not None
    return found


def test_without_batches_the_page_says_what_would_stand_here(client: Client, stores: Stores):
    assert "No batch was made lately" in text_of(client, "batches")


def test_batches_stand_newest_first_with_their_counts(client: Client, half_failed: NewBatch, waiting: NewBatch):
    page = client.get(reverse("horizon:batches")).context["page"]
    text = text_of(client, "batches")

    assert {line.record.id for line in page.lines} == {half_failed.id, waiting.id}
    assert page.sentence == "1 batch is under way. 1 of 2 shown had failures."
    assert "Export &lt;b&gt;" in text
    assert f'href="{reverse("horizon:batch", kwargs={"batch_id": waiting.id})}"' in text
    assert re.search(rf'<a href="{reverse("horizon:batches")}"[^>]* aria-current="page"', text)


def test_those_that_have_not_ended_are_found(client: Client, half_failed: NewBatch, waiting: NewBatch):
    page = client.get(reverse("horizon:batches"), {"state": "open"}).context["page"]

    assert [line.record.id for line in page.lines] == [waiting.id]


@pytest.mark.parametrize("given", ["0", "-1", "x", "99999999999", "٣"])
def test_a_page_number_that_is_none_does_no_harm(client: Client, stores: Stores, given: str):
    assert client.get(reverse("horizon:batches"), {"page": given}).status_code == 200


def test_a_batch_says_how_far_it_is_and_links_its_failed_jobs(client: Client, stores: Stores, half_failed: NewBatch):
    text = text_of(client, "batch", batch_id=half_failed.id)

    assert "Import of members ended: 1 of 3 jobs succeeded. 2 failed." in text
    for job_id in stores.batches.failed_ids(half_failed.id):
        assert f'href="{reverse("horizon:job", kwargs={"job_id": job_id})}"' in text
    follower = record(half_failed).following["finally"].job_id
    assert f'href="{reverse("horizon:job", kwargs={"job_id": follower})}"' in text
    assert "ValueError: not yet" in text


def test_a_batch_that_is_gone_is_not_found_in_words(client: Client, stores: Stores):
    assert "There is no batch of this id." in text_of(client, "batch", 404, batch_id="nix")


def test_failed_jobs_are_retried_from_the_page_and_noted(client: Client, redis: Redis, half_failed: NewBatch):
    address = reverse("horizon:batch", kwargs={"batch_id": half_failed.id})

    answer = client.post(reverse("horizon:retry_batch"), {"batch": half_failed.id, "next": address})
    work_off_with_terms(redis)

    assert answer["Location"] == address
    assert record(half_failed).succeeded == 3
    deed = Activity.objects.get()
    assert (deed.action, deed.subject, deed.succeeded) == ("retry batch", f"batch {half_failed.id}", True)
    assert deed.outcome == "Retried 2 jobs."


def test_a_batch_is_cancelled_from_the_page_with_a_reason(client: Client, redis: Redis, waiting: NewBatch):
    client.post(reverse("horizon:cancel_batch"), {"batch": waiting.id, "reason": "wrong file"})
    work_off_with_terms(redis)
    answer = client.post(reverse("horizon:retry_batch"), {"batch": waiting.id}, follow=True)

    found = record(waiting)
    assert (found.skipped, found.cancelled_by) == (3, "somebody on this machine")
    assert Activity.objects.get(action="cancel batch").reason == "wrong file"
    assert "was cancelled by somebody on this machine, so nothing was retried" in answer.content.decode()
    assert "was cancelled: 0 of 3 jobs succeeded. 3 were skipped." in text_of(client, "batch", batch_id=waiting.id)


@pytest.mark.parametrize("name", ["cancel_batch", "retry_batch"])
def test_a_batch_that_is_gone_is_left_alone_in_words(client: Client, stores: Stores, name: str):
    answer = client.post(reverse(f"horizon:{name}"), {"batch": "nix"}, follow=True)

    assert "There is no batch &#x27;nix&#x27;" in answer.content.decode()


@pytest.mark.parametrize("name", ["cancel_batch", "retry_batch"])
def test_nothing_changes_by_looking(client: Client, waiting: NewBatch, name: str):
    assert client.get(reverse(f"horizon:{name}"), {"batch": waiting.id}).status_code == 405
    assert record(waiting).cancelled_at is None


@pytest.fixture
def reader(settings: object) -> User:
    """Somebody who may look and nothing else."""
    user = User.objects.create_user(email="reader@alley.com", is_staff=True, is_superuser=False)
    user.verify_email(datetime.now(UTC))
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_horizon"))
    return user


def test_who_may_only_look_finds_no_buttons_and_is_refused(
    client: Client, settings: object, reader: User, half_failed: NewBatch, waiting: NewBatch
):
    settings.HORIZON = {
        **settings.HORIZON,
        "environment": "staging",
        "gate": "allegro_queue.access.staff_with_permission",
    }  # type: ignore[attr-defined]
    client.force_login(reader)

    text = text_of(client, "batch", batch_id=half_failed.id) + text_of(client, "batch", batch_id=waiting.id)
    answers = [
        client.post(reverse(f"horizon:{name}"), {"batch": waiting.id}) for name in ("cancel_batch", "retry_batch")
    ]

    assert "Cancel the batch" not in text
    assert "Run again what did not succeed" not in text
    assert [answer.status_code for answer in answers] == [403, 403]
    assert record(waiting).cancelled_at is None


@pytest.fixture
def said(stores: Stores) -> Callable[..., str]:
    """Makes a job that has said something; its page."""

    def make(client: Client, progress: Progress | None, *lines: str) -> str:
        job_id = dispatch(jobs.nothing)
        told = tuple(
            LogLine(at=time.time(), level=logging.getLevelName(30), logger="shop", attempt=1, words=each)
            for each in lines
        )
        stores.notes.add(Said(job_id=job_id, progress=progress, lines=told, left_out=7), time.time())
        return text_of(client, "job", job_id=job_id)

    return make


def test_a_jobs_page_shows_how_far_it_is_and_what_it_logged(client: Client, said: Callable[..., str]):
    text = said(client, Progress(done=1500, total=6000, note="<i>members</i>", at=time.time()), "hello <b>you</b>")

    assert "1,500 of 6,000 (25 %)" in text
    assert "&lt;i&gt;members&lt;/i&gt;" in text
    assert "hello &lt;b&gt;you&lt;/b&gt;" in text
    assert "7 earlier lines not kept" in text


def test_a_job_that_does_not_know_how_much_there_is_says_how_much_is_done(client: Client, said: Callable[..., str]):
    assert "2.5 done" in said(client, Progress(done=2.5, total=None, note="", at=time.time()))


def test_a_job_that_says_nothing_shows_no_empty_panels(client: Client, stores: Stores):
    text = text_of(client, "job", job_id=dispatch(jobs.nothing))

    assert "<h2>Log</h2>" not in text
    assert "<h2>Progress</h2>" not in text
