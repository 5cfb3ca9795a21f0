"""Acting on many jobs from the pages: the question, the run in the background, its page, and undoing it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.bulk.models import BulkResult, BulkRun
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from tests.support import jobs, records, scenes
from tests.support.digest import digest
from tests.support.failed_jobs import failed_ids
from tests.support.failures import failed, queued, run_all
from tests.support.many_failed import many_failed
from tests.support.runs import collected, failed_record

pytestmark = pytest.mark.django_db

QUEUES = ("high", "default", "audience-sync")
MANY = 1_200


def do(client: Client, name: str, **form: Any) -> tuple[Any, str]:
    answer = client.post(reverse(f"horizon:{name}"), form)
    assert answer.status_code == 302
    return answer, str(list(get_messages(answer.wsgi_request))[-1])


def asked(client: Client, name: str, **query: Any) -> dict[str, Any]:
    """The fields of the form on a question's page."""
    page = client.get(reverse(f"horizon:confirm_{name}"), query).context["page"]
    assert page.problem == ""
    fields: dict[str, Any] = {}
    for key, value in page.fields:
        fields.setdefault(key, []).append(value)
    return {
        **fields,
        "token": page.token,
        "failed_until": str(page.failed_until),
        "count": page.count,
        "typed": str(page.count),
        "reason": "the mail server is back",
    }


def test_many_jobs_are_retried_in_the_background_and_the_journal_links_the_run(
    client: Client, redis: Redis, stores: Stores
) -> None:
    many_failed(redis, MANY, time.time() - 3600)

    answer, message = do(client, "retry", **asked(client, "retry", all="1"))

    run = BulkRun.objects.get()
    page = reverse("horizon:run", kwargs={"run": run.pk})
    assert message == f"Retrying in the background, as run {run.pk}: 1,200 jobs."
    assert answer.headers["Location"] == page
    assert len(failed_ids(stores, QUEUES)) == MANY
    assert "Retrying: waits for a worker, with 1,200 jobs to do." in client.get(page).content.decode()

    stores.pauses.pause(Pause(queue="default", since=time.time()))
    get_queue("high").jobs[0].perform()

    assert stores.jobs.lengths(QUEUES)["default"] == MANY
    text = client.get(page).content.decode()
    assert "Retried 1,200 jobs." in text
    assert "the mail server is back" in text
    began, ended = Activity.objects.filter(run=run).order_by("id")
    assert (began.outcome, began.reason) == (message, "the mail server is back")
    assert ended.outcome == "Retried 1,200 jobs."
    journal = client.get(reverse("horizon:activity")).content.decode()
    assert journal.count(f'href="{page}"') == 2


def test_the_button_pressed_twice_begins_one_run(client: Client, redis: Redis, stores: Stores) -> None:
    many_failed(redis, MANY, time.time() - 3600)
    form = asked(client, "retry", all="1")

    do(client, "retry", **form)
    answer, message = do(client, "retry", **form)

    run = BulkRun.objects.get()
    assert message == f"This was begun already, as run {run.pk}."
    assert answer.headers["Location"] == reverse("horizon:run", kwargs={"run": run.pk})
    assert stores.jobs.lengths(QUEUES)["high"] == 1


def test_few_jobs_pressed_twice_are_retried_once(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.fail)
    form = asked(client, "retry", id=job_id)

    assert do(client, "retry", **form)[1] == "Retried 1 job."
    run_all(redis)
    do(client, "retry", **form)

    assert failed_ids(stores, QUEUES) == [job_id]
    assert stores.jobs.lengths(QUEUES)["default"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reason": " "}, "Nothing was done: give a reason of up to 200 characters."),
        ({"reason": "x" * 201}, "Nothing was done: give a reason of up to 200 characters."),
        ({"typed": ""}, "Nothing was deleted: the number of jobs was not typed as it is shown."),
        ({"typed": "3"}, "Nothing was deleted: the number of jobs was not typed as it is shown."),
        ({"per_minute": "-1"}, "Nothing was done: the rate '-1' is no whole number from 1 to 60,000."),
        ({"state": "running"}, "not 'running' ones, so nothing was done."),
        ({"queue": "nope"}, "There is no queue 'nope', so nothing was done."),
        ({"q": "x" * 201}, "A part of the filter has more than 200 characters, so nothing was done."),
        ({"state": "waiting", "tag": "member:7"}, "Tags, errors and groups are known of jobs that have run"),
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(
    client: Client, redis: Redis, stores: Stores, change: dict[str, str], message: str
) -> None:
    failed(redis, jobs.fail)
    failed(redis, jobs.fail)
    form = {**asked(client, "delete", all="1"), **change}
    before = digest(stores.client)

    assert message in do(client, "delete", **form)[1]

    assert digest(stores.client) == before
    assert not BulkRun.objects.exists()


def test_deleting_asks_for_the_number_and_can_be_undone_once(client: Client, redis: Redis, stores: Stores) -> None:
    ids = [failed(redis, jobs.fail) for _ in range(3)]
    form = asked(client, "delete", all="1")
    question = client.get(reverse("horizon:confirm_delete"), {"all": "1"}).content.decode()
    assert "Type the number of jobs" in question

    answer, message = do(client, "delete", **form)

    run = BulkRun.objects.get()
    assert message == "Deleted 3 jobs. For 24 hours this can be undone."
    assert answer.headers["Location"] == reverse("horizon:run", kwargs={"run": run.pk})
    assert "Undo: restore 3 jobs" in client.get(answer.headers["Location"]).content.decode()
    assert all(job_id in client.get(reverse("horizon:bin")).content.decode() for job_id in ids)

    assert do(client, "undo_run", run=run.pk)[1] == "Restored 3 jobs."
    assert sorted(failed_ids(stores, QUEUES)) == sorted(ids)
    assert do(client, "undo_run", run=run.pk)[1].startswith(f"Run {run.pk} was undone already")
    assert "Undo: restore" not in client.get(reverse("horizon:run", kwargs={"run": run.pk})).content.decode()


def test_one_job_is_restored_from_the_bin(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.fail)
    do(client, "delete", id=job_id)

    assert do(client, "restore", id=job_id, next=reverse("horizon:bin"))[1] == "Restored 1 job."

    assert failed_ids(stores, QUEUES) == [job_id]
    assert do(client, "restore", id=job_id)[1] == "Restored 0 jobs. 1 was gone."


def test_all_that_match_a_filter_are_cancelled_and_no_other(client: Client, redis: Redis, stores: Stores) -> None:
    kept = queued(jobs.nothing)
    for _ in range(2):
        queued(jobs.add, 1, 2)
    form = asked(client, "cancel", all="1", state="waiting", q="jobs.add")
    assert form["count"] == 2

    _, message = do(client, "cancel", **form)

    assert message == f"Cancelling in the background, as run {BulkRun.objects.get().pk}: 2 jobs."
    get_queue("high").jobs[0].perform()
    assert [row.id for row in stores.jobs.page(State.WAITING, ["default"])[0]] == [kept]
    assert BulkRun.objects.get().done == 2


def test_all_jobs_of_a_tag_are_retried(client: Client, redis: Redis, stores: Stores) -> None:
    now = time.time()
    first, second = (scenes.failed_job(stores, now - 60) for _ in range(2))
    collected(stores, failed_record(now - 60, job_id=first, queue="default", terms='{"tags": ["member:7"]}'))

    form = asked(client, "retry", all="1", tag="member:7")
    do(client, "retry", **form)
    get_queue("high").jobs[0].perform()

    assert form["count"] == 1
    assert failed_ids(stores, QUEUES) == [second]


def test_ticked_waiting_jobs_are_moved(client: Client, redis: Redis, stores: Stores) -> None:
    ids = [queued(jobs.nothing) for _ in range(3)]
    page = client.get(reverse("horizon:confirm_move_jobs"), {"id": ids[:2]}).context["page"]
    assert [each.queue for each in page.targets] == ["high", "audience-sync"]

    _, message = do(client, "move_jobs", id=ids[:2], to="high")

    assert message == "Moved 2 jobs to high."
    assert [row.id for row in stores.jobs.page(State.WAITING, ["high"])[0]] == ids[:2]
    assert do(client, "move_jobs", id=ids[2], to="nope")[1] == "There is no queue 'nope', so nothing was moved."


def test_a_conflict_says_what_the_job_is_and_who_was_first(
    client: Client, redis: Redis, stores: Stores, django_user_model: Any
) -> None:
    job_id = failed(redis, jobs.fail)
    ada = Client()
    ada.force_login(django_user_model.objects.create_user(email="ada@alley.com", is_staff=True))
    do(ada, "retry", id=job_id)
    redis.hset(f"rq:job:{job_id}", mapping={"status": "started", "started_at": "2026-11-24T13:05:02.000000Z"})

    message = do(client, "retry", id=job_id)[1]

    assert message.startswith("Not retried: it has been running since ")
    assert "(retry by ada@alley.com at " in message


def test_a_run_is_stopped_from_its_page_and_can_be_carried_on_while_it_is_not_over(
    client: Client, redis: Redis, stores: Stores
) -> None:
    many_failed(redis, MANY, time.time() - 3600)
    do(client, "retry", **asked(client, "retry", all="1"))
    run = BulkRun.objects.get()
    redis.delete("rq:queue:high")
    BulkRun.objects.update(moved_at=time.time() - 300)
    page = reverse("horizon:run", kwargs={"run": run.pk})
    assert "It has not got on for 5 min" in client.get(page).content.decode()

    assert do(client, "carry_on_run", run=run.pk)[1] == f"Run {run.pk} goes on as soon as a worker of high is free."
    assert stores.jobs.lengths(["high"])["high"] == 1
    _, message = do(client, "cancel_run", run=run.pk)

    assert message == f"Run {run.pk} stopped. Retried 0 jobs."
    get_queue("high").jobs[0].perform()
    assert len(failed_ids(stores, QUEUES)) == MANY
    assert do(client, "cancel_run", run=run.pk)[1].startswith(f"Run {run.pk} was over.")
    assert do(client, "carry_on_run", run=run.pk)[1].startswith(f"Run {run.pk} is over.")


def test_a_run_that_does_not_get_on_says_what_holds_it(client: Client, redis: Redis, stores: Stores) -> None:
    many_failed(redis, MANY, time.time() - 3600)
    do(client, "retry", **asked(client, "retry", all="1"))
    run = BulkRun.objects.get()
    BulkRun.objects.update(moved_at=time.time() - 300)

    def why() -> str:
        held: str = client.get(reverse("horizon:run", kwargs={"run": run.pk})).context["page"].stands_still
        return held.removeprefix("It has not got on for 5 min")

    assert why() == ", and no worker lives. It goes on when one is started."

    now = time.time()
    maintained = records.supervisor(maintenance=True, workers=())
    stores.masters.write(records.master(now, supervisors=(maintained,)))
    assert why() == ": no queue runs in maintenance mode. It goes on when that ends."

    stores.workers.write(records.worker(now, state="paused"))
    stores.pauses.pause(Pause(queue=ALL_QUEUES, since=now))
    assert why() == ": all queues are paused."

    stores.pauses.resume(ALL_QUEUES)
    stores.masters.write(records.master(now))
    assert why() == ". Its job may be lost, or no worker may be free."


def test_the_page_of_a_run_that_nothing_undoes_says_why(client: Client, redis: Redis, stores: Stores) -> None:
    do(client, "retry", id=failed(redis, jobs.fail))
    run = BulkRun.objects.get()

    page = client.get(reverse("horizon:run", kwargs={"run": run.pk}))

    assert f"Run {run.pk} retried jobs; what has run since cannot be taken back." in page.content.decode()
    assert not page.context["page"].may_undo


@pytest.mark.parametrize("number", ["", "0", "x", "9" * 30, "-1"])
def test_an_act_on_a_run_that_is_not_there_says_so(client: Client, stores: Stores, number: str) -> None:
    for name in ("cancel_run", "carry_on_run", "undo_run"):
        assert do(client, name, run=number)[1] == "There is no such run, so nothing was done."


def test_the_page_of_a_run_lists_each_result_and_one_that_is_not_there_is_a_404(
    client: Client, redis: Redis, stores: Stores
) -> None:
    ids = [failed(redis, jobs.fail), "gone-long-ago"]
    do(client, "retry", id=ids)
    run = BulkRun.objects.get()
    page = reverse("horizon:run", kwargs={"run": run.pk})

    shown = client.get(page).context["page"].rows
    assert [(row.job_id, row.word) for row in shown] == [(ids[0], "Done"), (ids[1], "Gone")]
    assert [row.job_id for row in client.get(page, {"result": "gone"}).context["page"].rows] == [ids[1]]
    assert client.get(page, {"result": "<script>", "after": "<script>"}).status_code == 200
    assert BulkResult.objects.filter(run=run).count() == 2
    assert client.get(reverse("horizon:run", kwargs={"run": run.pk + 1})).status_code == 404


RIGHTS = {
    "retry": "retry_job",
    "delete": "delete_job",
    "cancel": "delete_job",
    "move_jobs": "enqueue_job",
    "restore": "delete_job",
    "undo_run": "delete_job",
    "cancel_run": "retry_job",
    "carry_on_run": "retry_job",
    "run_again": "enqueue_job",
    "run_other": "enqueue_job",
    "stop": "control_workers",
}


@pytest.mark.parametrize("name", RIGHTS)
def test_who_lacks_the_right_is_told_its_name_and_nothing_changes(
    redis: Redis, stores: Stores, settings: Any, django_user_model: Any, name: str
) -> None:
    settings.HORIZON = {
        **settings.HORIZON,
        "environment": "production",
        "gate": "allegro_queue.access.staff_with_permission",
    }
    user = django_user_model.objects.create_user(email="reader@alley.com", is_staff=True)
    others = Permission.objects.filter(content_type__app_label="allegro_queue").exclude(codename=RIGHTS[name])
    user.user_permissions.set(others)
    reader = Client()
    reader.force_login(user)
    job_id = failed(redis, jobs.fail)
    many_failed(redis, 3, time.time() - 60)
    run = BulkRun.objects.create(
        token="0" * 32, act="delete" if name == "undo_run" else "retry", selection={"state": "failed"}, subject="x", cut_off=0, who="x", via="page",
        created_at=time.time(), moved_at=time.time(),
    )  # fmt: skip
    before = digest(stores.client)

    answer = reader.post(reverse(f"horizon:{name}"), {"id": job_id, "run": run.pk, "to": "high"})

    assert answer.status_code == 403
    assert f"allegro_queue.{RIGHTS[name]}" in answer.content.decode()
    assert digest(stores.client) == before


def test_looking_at_questions_runs_and_bin_changes_nothing(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.fail)
    do(client, "delete", id=failed(redis, jobs.fail))
    waiting = queued(jobs.nothing)
    run = BulkRun.objects.get()
    before = digest(stores.client)

    for address in (
        reverse("horizon:confirm_retry") + f"?id={job_id}",
        reverse("horizon:confirm_delete") + "?all=1",
        reverse("horizon:confirm_delete") + "?all=1&text=asked",
        reverse("horizon:confirm_cancel") + f"?id={waiting}",
        reverse("horizon:confirm_move_jobs") + "?all=1&q=nothing",
        reverse("horizon:confirm_again") + f"?id={job_id}",
        reverse("horizon:edit") + f"?id={job_id}",
        reverse("horizon:confirm_stop") + f"?id={job_id}",
        reverse("horizon:run", kwargs={"run": run.pk}),
        reverse("horizon:bin"),
    ):
        assert client.get(address).status_code == 200

    assert digest(stores.client) == before


def test_a_run_with_a_rate_says_when_no_scheduler_would_go_on_with_it(
    client: Client, redis: Redis, stores: Stores
) -> None:
    many_failed(redis, MANY, time.time() - 3600)
    do(client, "retry", **{**asked(client, "retry", all="1"), "per_minute": "600"})
    get_queue("high").jobs[0].perform()
    run = BulkRun.objects.get()
    page = reverse("horizon:run", kwargs={"run": run.pk})

    assert run.done == 100
    assert "no scheduler is running" in client.get(page).content.decode()
    scenes.quiet_system(stores, time.time())
    assert "no scheduler is running" not in client.get(page).content.decode()
