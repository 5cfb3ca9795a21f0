from __future__ import annotations

import getpass
import io
import json
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.bulk.models import BulkRun
from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pauses import Pause
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.housekeeping import keep_house
from tests.support import jobs, records

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]


def said(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def fail_some(count: int) -> list[str]:
    ids = [dispatch(jobs.fail) for _ in range(count)]
    worker = make_worker(["default"], name="here.1.abcd")
    assert worker is not None
    worker.work(burst=True)
    return ids


def test_clearing_a_queue_deletes_its_waiting_jobs_and_no_others(stores: Stores, redis: Redis):
    dispatch(jobs.nothing)
    dispatch(jobs.nothing)
    dispatch(jobs.urgent)

    answer = said("horizon_clear", "default", "--force")

    assert answer.startswith("Deleted 2 jobs.\nFor 24 hours this can be undone: manage.py horizon_restore ")
    assert stores.jobs.lengths(QUEUES) == {"high": 1, "default": 0, "audience-sync": 0}
    assert len(redis.keys("rq:job:*")) == 1


def test_what_was_cleared_is_restored_once_in_its_order(stores: Stores):
    ids = [dispatch(jobs.nothing) for _ in range(3)]
    said("horizon_clear", "default", "--force")
    run = str(BulkRun.objects.get().pk)

    assert said("horizon_restore", run) == "Restored 3 jobs.\n"

    assert [row.id for row in stores.jobs.page(State.WAITING, ["default"])[0]] == ids
    with pytest.raises(CommandError, match="was undone already"):
        said("horizon_restore", run)
    with pytest.raises(CommandError, match="There is no run 0"):
        said("horizon_restore", "0")


def test_clearing_asks_and_does_nothing_without_the_queues_name(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    dispatch(jobs.nothing)
    monkeypatch.setattr("builtins.input", lambda question: "yes")

    with pytest.raises(CommandError, match="Nothing was deleted"):
        said("horizon_clear", "default")

    assert stores.jobs.lengths(["default"]) == {"default": 1}


def test_a_failed_job_is_queued_again_and_runs_under_its_own_id(stores: Stores):
    (job_id,) = fail_some(1)

    assert said("horizon_retry", job_id, "no-such-job") == (
        "Retried 1 job. 1 was gone.\nno-such-job was left alone: it is not there.\n"
    )
    assert stores.jobs.counts(QUEUES)[State.WAITING] == 1
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 0
    worker = make_worker(["default"], name="here.2.abcd")
    assert worker is not None
    worker.work(burst=True)
    detail = stores.jobs.get(job_id)
    assert detail is not None
    assert len(detail.attempts) == 2


def test_all_failed_jobs_of_one_function_are_queued_again(stores: Stores):
    fail_some(3)

    assert said("horizon_retry", "--all", "--job", "tests.support.jobs.other").startswith("Retried 0 jobs")
    assert said("horizon_retry", "--all", "--job", "tests.support.jobs.fail").startswith("Retried 3 jobs")


def test_forgetting_deletes_failed_jobs_and_what_hangs_on_them(redis: Redis):
    fail_some(2)

    assert said("horizon_forget", "--all") == "Deleted 2 jobs.\n"
    assert redis.keys("rq:job:*") == []
    assert redis.keys("rq:results:*") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["horizon_retry"], "give ids of failed jobs, or --all"),
        (["horizon_retry", "x", "--all"], "give ids of failed jobs, or --all"),
        (["horizon_forget", "x", "--queue", "high"], "go with --all"),
        (["horizon_retry", "--all", "--queue", "hgih"], "did you mean 'high'"),
        (["horizon_clear", "hgih", "--force"], "did you mean 'high'"),
        (["horizon_pause", "hgih"], "did you mean 'high'"),
        (["horizon_pause", "--for", "soon"], "'soon' is not a duration; write 90, 30s, 15m, 2h or 1d"),
        (["horizon_continue", "hgih"], "did you mean 'high'"),
    ],
)
def test_bad_input_gets_a_clear_error(arguments: list[str], message: str, redis: Redis):
    with pytest.raises(CommandError, match=message):
        said(*arguments)


def test_a_pause_can_end_by_itself(stores: Stores):
    said("horizon_pause", "high", "--for", "15m", "--reason", "maintenance")

    pause = stores.pauses.current(time.time())["high"]
    assert pause.reason == "maintenance"
    assert pause.until is not None
    assert 890 < pause.until - time.time() <= 900
    assert stores.pauses.current(time.time() + 901) == {}


def test_a_queue_that_was_not_paused_is_said_to_be_so(redis: Redis):
    assert said("horizon_continue", "high") == "high was not paused.\n"


def test_terminating_nothing_says_so(redis: Redis):
    assert said("horizon_terminate") == "No Horizon process is running here.\n"


@pytest.mark.parametrize("command", ["rqworker", "rqscheduler"])
def test_a_pid_file_that_cannot_be_written_is_refused_in_words(command: str, redis: Redis, tmp_path: Path):
    with pytest.raises(CommandError, match=r"--pid: .*No such file or directory"):
        call_command(command, "--burst", "--pid", str(tmp_path / "nowhere" / "pid"))


def test_a_worker_name_that_is_taken_is_refused_in_words(redis: Redis):
    living = make_worker(["default"], name="shop-1")
    assert living is not None
    living.register_birth()

    with pytest.raises(CommandError, match="an active worker named 'shop-1' already"):
        call_command("rqworker", "--burst", "--name", "shop-1")


def test_a_malformed_duration_is_refused_also_when_nobody_is_there_to_leave(redis: Redis):
    with pytest.raises(CommandError, match="'soon' is not a duration"):
        call_command("horizon_terminate", "--wait", "--within", "soon")


def test_retry_says_why_a_unique_job_stays_failed():
    alone = JobOptions(unique=True, unique_key="sync")
    first = dispatch(jobs.fail, options=alone)
    fail_some(1)
    second = dispatch(jobs.fail, options=alone)

    assert said("horizon_retry", first) == (
        "Retried 0 jobs. 1 stayed failed, since another of its kind waits or runs.\n"
        f"{first} stays failed: {second}, another job of its kind, waits or runs.\n"
    )


def test_status_and_list_name_each_host_and_who_paused_what_why_and_until_when(stores: Stores):
    now = time.time()
    until = now + 600
    paused = records.supervisor(status="paused", pause_by="anna", pause_reason="maintenance", pause_until=until)
    stores.masters.write(records.master(now, supervisors=(paused,)))
    stores.masters.write(records.master(now, name="web-2-7", host="web-2"))
    stores.controls.keep(
        Instruction(control=Control.PAUSE, supervisor="supervisor-1", by="anna", reason="maintenance", until=until)
    )
    stores.pauses.pause(Pause(queue="high", since=now, by="ben"))
    clock = f"{datetime.fromtimestamp(until).astimezone():%Y-%m-%d %H:%M:%S}"

    status, listed = exits_with(0, "horizon_status"), said("horizon_list")

    assert "web-1  web-1-4102  running  beat 0 s ago" in status
    assert "web-2  web-2-7  running  beat 0 s ago" in status
    assert f"supervisor-1 is paused by anna until {clock}: maintenance" in status
    assert "high is paused by ben\n" in status
    assert f"    paused by anna until {clock}: maintenance" in listed
    data = json.loads(exits_with(0, "horizon_status", "--json"))
    assert [each["host"] for each in data["hosts"]] == ["web-1", "web-2"]
    assert data["paused_supervisors"][0]["until"] == until


def test_status_is_maintenance_when_nothing_runs_for_that_and_exits_as_when_paused(stores: Stores):
    now = time.time()
    maintained = records.supervisor(maintenance=True)
    stores.masters.write(records.master(now, supervisors=(maintained,)))

    said_in_words = exits_with(1, "horizon_status")

    assert said_in_words.startswith("Horizon is in maintenance mode.\n")
    assert "web-1  web-1-4102  running, maintenance mode  beat 0 s ago" in said_in_words
    told = json.loads(exits_with(1, "horizon_status", "--json"))
    assert (told["status"], told["hosts"][0]["maintenance"]) == ("maintenance", True)

    stores.masters.write(records.master(now, supervisors=(maintained, records.supervisor(name="forced"))))
    assert exits_with(0, "horizon_status").startswith("Horizon is running.\n")


def test_pauses_that_are_over_are_forgotten(stores: Stores, redis: Redis):
    for until in (50.0, None):
        stores.controls.keep(Instruction(control=Control.PAUSE, supervisor=f"until-{until}", until=until))
        stores.pauses.pause(Pause(queue=f"until-{until}", since=0, until=until))

    keep_house(stores, ["high", "default"], now=60)

    assert redis.hkeys(stores.keys.paused) == redis.hkeys(stores.keys.paused_supervisors) == [b"until-None"]


def test_one_master_at_a_time_keeps_house(stores: Stores):
    assert stores.masters.lead("a")
    assert not stores.masters.lead("b")
    assert stores.masters.lead("a")
    stores.masters.remove("a")
    assert stores.masters.lead("b")


def exits_with(code: int, *arguments: str) -> str:
    """What a command prints that ends with this exit code."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(*arguments, stdout=out)
    assert ended.value.code == code
    return out.getvalue()


@pytest.mark.parametrize(
    ("command", "action", "subject"),
    [
        (["horizon_retry", "--all", "--reason", "why"], "retry", "all failed jobs"),
        (["horizon_forget", "--all", "--reason", "why"], "delete", "all failed jobs"),
        (["horizon_pause", "high", "--reason", "why"], "pause", "queue high"),
        (["horizon_pause", "--reason", "why"], "pause", "all queues"),
        (["horizon_continue", "high"], "continue", "queue high"),
        (["horizon_continue"], "continue", "all queues"),
        (["horizon_clear", "default", "--force", "--reason", "why"], "delete", "all waiting jobs of queue default"),
        (["horizon_schedule", "pause", "links-forget", "--reason", "why"], "pause entry now", "entry links-forget"),
        (["horizon_schedule", "resume", "links-forget"], "resume entry now", "entry links-forget"),
        (["horizon_schedule", "run", "links-forget"], "run entry", "entry links-forget"),
    ],
)
def test_what_a_command_changes_stands_in_the_journal(
    redis: Redis, command: list[str], action: str, subject: str
) -> None:
    fail_some(2)

    answer = said(*command)

    noted = Activity.objects.get()
    assert (noted.action, noted.subject, noted.via, noted.who) == (action, subject, "command", getpass.getuser())
    assert noted.reason == ("why" if "why" in command else "")
    assert noted.outcome.split()[0] in answer or command[1] == "run"


@pytest.mark.parametrize("command", [["horizon_status"], ["horizon_list"], ["horizon_schedule"]])
def test_what_changes_nothing_is_not_noted(redis: Redis, command: list[str]) -> None:
    with suppress(SystemExit):
        said(*command)

    assert not Activity.objects.exists()


def test_the_journal_links_the_run_of_a_command(redis: Redis) -> None:
    fail_some(2)

    said("horizon_retry", "--all")

    noted = Activity.objects.get()
    assert noted.run is not None
    assert (noted.run.act, noted.run.done, noted.run.via) == ("retry", 2, "command")
