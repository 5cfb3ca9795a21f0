"""Acting by the API on many jobs, on batches, on one job, on queues, processes and alerts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.alerts import book
from allegro_queue.alerts.options import alert_options
from allegro_queue.batches import NewBatch, batch
from allegro_queue.bulk.models import BulkRun
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from tests.support import batch_jobs, jobs
from tests.support.api_caller import Caller
from tests.support.burst import work_off_with_terms
from tests.support.failures import failed, queued, run_all
from tests.support.many_failed import many_failed
from tests.support.runs import collected, run_record
from tests.support.scenes import quiet_system

pytestmark = pytest.mark.django_db(transaction=True)

Calls = Callable[..., Caller]


# ------------------------------------------------------------------------------------------------------ Many jobs


def test_all_failed_jobs_of_a_queue_are_retried(redis: Redis, stores: Stores, caller: Calls) -> None:
    for _ in range(3):
        failed(redis, jobs.fail)
    program = caller()
    counted = program.get("bulk-runs/count", {"act": "retry", "queue": "default"}).json()
    late = failed(redis, jobs.fail)

    answer = program.post("bulk-runs/retry", {"all": True, "queue": "default", "until": counted["at"]}).json()

    assert counted["count"] == 3
    assert answer["outcome"] == "Retried 3 jobs. 1 failed only since and was left alone."
    assert stores.jobs.lengths(["default"]) == {"default": 3}
    assert stores.jobs.rows([late])[0].status == "failed"


def test_many_are_done_in_the_background_with_progress_results_and_an_end(
    redis: Redis, stores: Stores, caller: Calls
) -> None:
    many_failed(redis, 600, time.time() - 60)
    program = caller()

    begun = program.post("bulk-runs/retry", {"all": True, "reason": "mended"}).json()
    waits = program.get(f"bulk-runs/{begun['run']}").json()
    run_all(redis)
    over = program.get(f"bulk-runs/{begun['run']}").json()

    assert begun["done"]
    assert (waits["state"], waits["noted"], waits["via"], waits["reason"]) == ("waiting", 0, "token", "mended")
    assert (over["state"], over["total"], over["done"], over["outcome"]) == ("done", 600, 600, "Retried 600 jobs.")
    first = program.get(f"bulk-runs/{begun['run']}/results", {"limit": 200}).json()
    rest = program.get(f"bulk-runs/{begun['run']}/results", {"limit": 200, "after": first["after"]}).json()
    numbers = [each["number"] for each in first["results"] + rest["results"]]
    assert numbers == list(range(400))
    assert {each["result"] for each in first["results"]} == {"done"}
    assert [each["id"] for each in program.get("bulk-runs", {"act": "retry"}).json()["runs"]] == [begun["run"]]
    assert program.get("bulk-runs", {"open": "true"}).json()["runs"] == []


def test_a_run_is_cancelled_by_the_right_of_its_own_act(redis: Redis, stores: Stores, caller: Calls) -> None:
    many_failed(redis, 600, time.time() - 60)
    run = caller().post("bulk-runs/retry", {"all": True}).json()["run"]

    refused = caller(*(each for each in Right if each != Right.RETRY)).post(f"bulk-runs/{run}/cancel")
    assert refused.status_code == 403
    assert "allegro_queue.retry_job is missing" in refused.json()["errors"][0]["what"]
    assert BulkRun.objects.get().state == "waiting"

    assert caller(Right.VIEW, Right.RETRY).post(f"bulk-runs/{run}/cancel").json()["done"]
    assert BulkRun.objects.get().state == "cancelled"


def test_deleting_many_says_their_number_and_a_reason_and_is_undone(
    redis: Redis, stores: Stores, caller: Calls
) -> None:
    ids = [queued(jobs.nothing) for _ in range(3)]
    program = caller()
    asked: dict[str, Any] = {"all": True, "state": "waiting", "queue": "default"}

    assert program.post("bulk-runs/delete", asked).status_code == 409
    assert program.post("bulk-runs/delete", {**asked, "reason": "twice"}).status_code == 409
    deleted = program.post("bulk-runs/delete", {**asked, "reason": "twice", "count": 3}).json()
    binned = program.get("bin").json()
    undone = program.post(f"bulk-runs/{deleted['run']}/undo").json()

    assert {each["id"] for each in binned["jobs"]} == set(ids)
    assert undone["outcome"] == "Restored 3 jobs."
    assert [row.id for row in stores.jobs.page(State.WAITING, ["default"])[0]] == ids


def test_a_token_of_one_s_own_begins_a_run_once(redis: Redis, stores: Stores, caller: Calls) -> None:
    asked = {"ids": [failed(redis, jobs.fail)], "token": "0" * 31 + "1"}
    program = caller()

    first, again = program.post("bulk-runs/retry", asked).json(), program.post("bulk-runs/retry", asked).json()

    assert (first["done"], again["done"], first["run"]) == (True, False, again["run"])
    assert stores.jobs.lengths(["default"]) == {"default": 1}


def test_waiting_jobs_are_cancelled_and_moved_by_a_filter(redis: Redis, stores: Stores, caller: Calls) -> None:
    queued(jobs.nothing)
    other = queued(jobs.add, 1, 2)
    program = caller()

    cancelled = program.post("bulk-runs/cancel", {"all": True, "q": "nothing", "reason": "x"})
    moved = program.post("bulk-runs/move", {"ids": [other], "to": "high"})

    assert cancelled.status_code == moved.status_code == 200
    run_all(redis)
    assert stores.jobs.rows([other])[0].queue == "high"
    assert BulkRun.objects.get(act="cancel").done == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"ids": ["a"], "all": True}, {"all": True, "queue": "hihg"}, {"ids": ["a:b"]}, {"id": ["a"]}, [],
     {"ids": ["a"], "tag": "x"}, {"all": True, "state": "waiting"}, {"all": True, "until": "soon"}],
)  # fmt: skip
def test_an_unclear_choice_is_refused(stores: Stores, caller: Calls, body: Any) -> None:
    assert caller().post("bulk-runs/retry", body).status_code == 422
    assert not BulkRun.objects.exists()


def test_arguments_cannot_be_guessed_by_counting_without_the_right(stores: Stores, caller: Calls) -> None:
    collected(stores, run_record(time.time(), call='[["marzipan"], {}]'))

    for asked in ({"text": "marzipan"}, {"text": "marzipan", "state": "failed"}):
        assert caller(Right.VIEW).get("bulk-runs/count", asked).status_code == 403
    answer = caller(Right.VIEW, Right.RETRY).post("bulk-runs/retry", {"all": True, "text": "marzipan"})
    assert answer.status_code == 403


def test_deleted_jobs_are_restored_by_their_ids(redis: Redis, stores: Stores, caller: Calls) -> None:
    ids = [failed(redis, jobs.fail) for _ in range(2)]
    program = caller()
    program.delete(f"jobs/{ids[0]}")

    assert program.post("bin/restore", {"ids": [ids[0]]}).json()["outcome"] == "Restored 1 job."
    assert program.post("bin/restore", {"ids": [ids[0]]}).status_code == 409
    assert {each.id for each in stores.jobs.rows(ids)} == set(ids)


# --------------------------------------------------------------------------------------------------------- Queues


def test_a_queue_is_emptied_into_the_bin_and_moved(redis: Redis, stores: Stores, caller: Calls) -> None:
    ids = [queued(jobs.nothing) for _ in range(2)]
    program = caller()

    assert program.post("queues/default/empty", {}).status_code == 422
    emptied = program.post("queues/default/empty", {"reason": "twice"}).json()
    assert stores.jobs.lengths(["default"]) == {"default": 0}
    program.post(f"bulk-runs/{emptied['run']}/undo")
    moved = program.post("queues/default/move", {"to": "high"}).json()

    assert moved["outcome"] == "Moved 2 jobs to high."
    assert [row.id for row in stores.jobs.page(State.WAITING, ["high"])[0]] == ids
    assert program.post("queues/default/move", {"to": "hihg"}).status_code == 422


# -------------------------------------------------------------------------------------------------------- One job


def test_a_job_is_run_again_as_it_was_and_with_other_arguments(
    redis: Redis, stores: Stores, caller: Calls, tmp_path: Path
) -> None:
    job_id = failed(redis, jobs.note, "/nowhere/file", "one")
    program = caller()
    file = tmp_path / "said"

    copy = program.post(f"jobs/{job_id}/run-again", {}).json()
    other = program.post(f"jobs/{job_id}/run-other", {"arguments": [str(file), "two"]}).json()
    run_all(redis)

    assert file.read_text().strip() == "two"
    assert program.get(f"jobs/{copy['job_id']}").json()["status"] == "failed"
    assert program.get(f"jobs/{other['job_id']}").json()["status"] == "finished"
    blind = caller(*(each for each in Right if each != Right.VIEW_PAYLOAD))
    assert blind.post(f"jobs/{job_id}/run-other", {"arguments": []}).status_code == 403


def test_a_job_that_does_not_run_is_not_stopped(redis: Redis, stores: Stores, caller: Calls) -> None:
    answer = caller().post(f"jobs/{queued(jobs.nothing)}/stop")

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["what"].startswith("Not stopped:")


# -------------------------------------------------------------------------------------------------------- Batches


@pytest.fixture
def half_failed(redis: Redis, tmp_path: Path) -> NewBatch:
    """A batch of which one job has failed and one has succeeded."""
    with batch("Import", allow_failures=True) as made:
        made.add(batch_jobs.fail_unless, str(tmp_path / "there"))
        made.add(jobs.nothing)
    work_off_with_terms(redis)
    return made


def test_a_batch_says_how_far_it_is_and_its_failed_jobs_are_retried(
    stores: Stores, caller: Calls, half_failed: NewBatch
) -> None:
    program = caller()
    listed = program.get("batches").json()["batches"]

    found = program.get(f"batches/{half_failed.id}").json()
    answer = program.post(f"batches/{half_failed.id}/retry", {"reason": "mended"}).json()

    assert [(each["id"], each["name"]) for each in listed] == [(half_failed.id, "Import")]
    assert (found["succeeded"], found["failed"], len(found["failed_ids"])) == (1, 1, 1)
    assert answer["outcome"] == "Retried 1 job."
    assert stores.jobs.lengths(["default"]) == {"default": 1}
    assert Activity.objects.get(action="retry batch").reason == "mended"


def test_a_batch_is_cancelled(redis: Redis, stores: Stores, caller: Calls) -> None:
    with batch("Import") as made:
        made.add(jobs.nothing)
    program = caller()
    assert [each["id"] for each in program.get("batches", {"open": "true"}).json()["batches"]] == [made.id]

    assert program.post(f"batches/{made.id}/cancel", {}).json()["done"]
    assert not program.post(f"batches/{made.id}/cancel", {}).json()["done"]

    assert program.get(f"batches/{made.id}").json()["cancelled_by"] == "token probe"
    assert program.get("batches/nothing").status_code == 404


# -------------------------------------------------------------------------------------- Processes, alerts, views


def test_a_process_is_told_to_pause(stores: Stores, caller: Calls) -> None:
    quiet_system(stores, time.time())
    program = caller()
    name = program.get("masters").json()["masters"][0]["name"]

    assert program.post(f"masters/{name}/control", {"word": "pause", "reason": "deploy"}).json()["done"]
    assert [each.control for each in stores.controls.take(name)] == ["pause"]
    assert program.post("masters/nobody/control", {"word": "pause", "reason": "x"}).status_code == 404
    assert program.post(f"masters/{name}/control", {"word": "fly", "reason": "x"}).status_code == 422


def test_a_worker_is_told_to_leave(stores: Stores, caller: Calls) -> None:
    quiet_system(stores, time.time())
    program = caller()
    worker = program.get("workers").json()["workers"][0]

    assert program.post(f"workers/{worker['name']}/end", {"word": "kill", "reason": "hangs"}).json()["done"]
    sent = stores.controls.take(worker["master"])
    assert [(each.control, each.worker, each.by) for each in sent] == [("kill", worker["name"], "token probe")]
    assert program.post("workers/nobody/end", {"word": "end", "reason": "x"}).status_code == 404


def test_a_rule_is_muted_and_unmuted(stores: Stores, caller: Calls) -> None:
    program = caller()
    rule = next(iter(alert_options().rules))

    assert program.post(f"alerts/{rule}/mute", {"reason": "known", "minutes": 30}).json()["done"]
    stands = {each["rule"]: each for each in program.get("alerts").json()["rules"]}[rule]
    assert (stands["state"], stands["mute"]["by"]) == ("muted", "token probe")
    assert program.post(f"alerts/{rule}/unmute").json()["done"]
    assert not book.mutes(time.time())
    assert program.post("alerts/nothing/mute", {"reason": "x", "minutes": 1}).status_code == 404
    assert program.post("channels/nothing/test").status_code == 404


def test_views_are_saved_listed_and_deleted_by_whoever_owns_them(stores: Stores, caller: Calls) -> None:
    program = caller()

    assert program.post("views", {"name": "Broken", "filter": "state:failed queue:high"}).json()["done"]
    found = program.get("views").json()["views"]
    unclear = program.post("views", {"name": "Broken", "filter": "nix:nix"})
    shared = caller(Right.VIEW).post("views", {"name": "Mine", "filter": "state:failed", "shared": True})

    assert [(each["name"], each["query"], each["owner"]) for each in found] == [
        ("Broken", "state=failed&queue=high", "token probe")
    ]
    assert unclear.status_code == shared.status_code == 409
    assert program.delete(f"views/{found[0]['id']}").json()["done"]
    assert program.delete(f"views/{found[0]['id']}").status_code == 404
