"""What the dashboard says of a system that gets into each state for real: its processes work, stand still and are killed.

Each story starts one system and takes it through several states, since a start costs more than a state.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis
from rq import Queue
from rq.serializers import PickleSerializer

from allegro_queue.dashboard.findings.finding import Finding
from allegro_queue.dashboard.findings.verdict import Verdict
from allegro_queue.dashboard.jobs.runs import MOST_COUNTED
from allegro_queue.dispatch import dispatch, dispatch_many
from allegro_queue.history.models import Run
from allegro_queue.jobs import JobOptions
from allegro_queue.models import OutboxEntry, ScheduleEntry
from allegro_queue.outbox import dispatch_durably
from allegro_queue.queues import get_queue
from allegro_queue.scheduling.snapshots import SNAPSHOT
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State, job_key
from tests.support import jobs
from tests.support.busy_redis import kept_busy
from tests.support.dev_run import free_port
from tests.support.eventually import eventually
from tests.support.maintenance_flag import HANG
from tests.support.running import Running, manage, running
from tests.support.said import text_of, verdict, words_of

pytestmark = pytest.mark.django_db(transaction=True)

Schedule = Sequence[dict[str, Any]]


def database() -> str:
    """The database of this test, for its processes."""
    return f"sqlite:///{connection.settings_dict['NAME']}"


@contextmanager
def system(stores: Stores, schedule: Schedule = (), **environment: str) -> Iterator[Running]:
    """Horizon with a worker at rest."""
    environment |= {"DJANGO_SETTINGS_MODULE": "tests.support.given_schedule", "GIVEN_SCHEDULE": json.dumps(schedule)}
    with running("horizon", DATABASE_URL=database(), **environment) as horizon:
        eventually(
            lambda: [each for each in stores.workers.living() if each.state == "idle"],
            within=20,
            explain=horizon.said,
        )
        yield horizon


@pytest.fixture
def scheduled(settings: Any) -> Callable[..., Schedule]:
    """Makes a schedule of snapshots alone, known to the pages too."""

    def make(**times: Any) -> Schedule:
        given = [{"name": "snapshots", "job": SNAPSHOT, "queue": "high", **times}]
        settings.HORIZON = {**settings.HORIZON, "schedule": given}
        return given

    return make


@pytest.fixture
def server_settings(redis: Redis) -> Iterator[Callable[..., None]]:
    """Changes settings of the run's own server, and puts them back."""
    before: dict[str, str] = {}

    def change(**given: Any) -> None:
        for name, value in given.items():
            key = name.replace("_", "-")
            before.setdefault(key, str(redis.config_get(key)[key]))
            redis.config_set(key, value)

    yield change
    for key, value in before.items():
        redis.config_set(key, value)


def comes_to_say(client: Client, beginning: str, within: float = 10) -> Verdict:
    """The verdict, once it begins so."""
    return eventually(
        lambda: said if (said := verdict(client)).sentence.startswith(beginning) else None,
        within=within,
        explain=lambda: verdict(client),
    )


def is_filed(stores: Stores, job_id: str, status: str) -> Callable[[], bool]:
    return lambda: [row.status for row in stores.jobs.rows([job_id])] == [status]


def test_a_system_goes_from_its_first_steps_to_quiet_and_counts_down_to_its_first_graph(
    client: Client, stores: Stores, scheduled: Callable[..., Schedule]
) -> None:
    schedule = scheduled(cron=f"{(timezone.now() + timedelta(minutes=5)).minute} * * * *")

    assert verdict(client).sentence == "Nothing has run here yet. Start Horizon and dispatch a job."
    text = text_of(client, "overview")
    assert "First steps Not running yet: 1 of 4 steps done" in text
    assert "python manage.py horizon" in text
    assert "First graph after the first job" in text_of(client, "metrics")
    assert "First graph after the first job" in text_of(client, "queue_metrics", queue="high")

    with system(stores, schedule) as horizon:
        for name, places in (("metrics", {}), ("queue_metrics", {"queue": "high"})):
            eventually(
                lambda name=name, places=places: re.search(
                    r"First graph in about [45] min", text_of(client, name, **places)
                ),
                explain=horizon.said,
            )

        dispatch(jobs.nothing)

        eventually(lambda: "Last job done at" in verdict(client).note, explain=horizon.said)
        # The run is filed a moment before its worker says that it is at rest.
        said = comes_to_say(client, "Quiet. Nothing waits and nothing runs.")
        assert (said.tone, said.causes) == ("ok", ())
        assert re.match(r"1 worker listens\. Last job done at \d\d:\d\d\. None failed in the last hour\.", said.note)
        assert "First graph" not in text_of(client, "metrics")


def test_what_stands_still_on_purpose_says_who_or_what_holds_it_and_how_it_goes_on(
    client: Client, stores: Stores, scheduled: Callable[..., Schedule]
) -> None:
    with system(stores, scheduled(every=86_400)) as horizon:
        assert manage("horizon_pause", "high", "--for", "15m", "--reason", "mail is down").returncode == 0
        held = [dispatch(jobs.urgent) for _ in range(2)]
        assert verdict(client).sentence == "high is paused; 2 jobs wait."
        strip = text_of(client, "workers")
        assert "high is paused since" in strip
        assert re.search(r"by \w+: “mail is down”\. It resumes by itself at", strip)
        client.post(reverse("horizon:resume"), {"queue": "high"})
        for job_id in held:
            eventually(is_filed(stores, job_id, "finished"), explain=horizon.said)

        call_command("rqsuspend")
        unread = Queue("default", connection=stores.client, serializer=PickleSerializer).enqueue(jobs.add, 1, 2).id
        read = dispatch(jobs.nothing)
        said = verdict(client)
        assert said.sentence == "All queues are suspended by RQ’s own switch: no worker takes a job."
        assert "All queues are suspended by RQ’s own switch." in text_of(client, "queues")
        page = client.get(reverse("horizon:jobs") + "?state=waiting").context["page"]
        assert [line.key for line in page.lines] == [unread, read]
        assert re.search(
            r"The arguments are not JSON \(\d+ bytes in another format\)", text_of(client, "job", job_id=unread)
        )
        call_command(said.command.removeprefix("python manage.py "))
        eventually(is_filed(stores, read, "finished"), explain=horizon.said)

        horizon.send(signal.SIGUSR2)
        comes_to_say(client, "Horizon is paused: its workers take no new job.")
        held = [dispatch(jobs.nothing)]
        assert verdict(client).causes[0].line == "1 job waits."
        horizon.send(signal.SIGCONT)
        eventually(is_filed(stores, held[0], "finished"), explain=horizon.said)


def test_in_maintenance_mode_jobs_wait_and_are_told_of_until_it_ends(
    client: Client, stores: Stores, settings: Any, tmp_path: Path
) -> None:
    settings.HORIZON = {**settings.HORIZON, "schedule": []}
    flag = tmp_path / "maintenance"
    flag.touch()
    supervisors = {"one": {"queue": ["high", "default"]}, "forced": {"queue": ["audience-sync"], "force": True}}
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.support.supervised",
        "TEST_SUPERVISORS": json.dumps(supervisors),
        "TEST_HORIZON": json.dumps({"maintenance": "tests.support.maintenance_flag.is_up"}),
        "MAINTENANCE_FLAG": str(flag),
    }
    with running("horizon", DATABASE_URL=database(), **environment) as horizon:
        forced = dispatch(jobs.nothing, options=JobOptions(queue="audience-sync"))
        held = dispatch(jobs.urgent)
        eventually(is_filed(stores, forced, "finished"), within=20, explain=horizon.said)

        said = comes_to_say(client, "Maintenance mode")
        assert (said.tone, said.sentence) == ("warn", "Maintenance mode: high and default do not run.")
        assert said.causes[0].line == "1 job waits."
        assert "one: maintenance mode, 0 of 1 workers, high, default." in text_of(client, "workers")
        assert "Stands still in maintenance mode. 1 job waits." in text_of(client, "queue", queue="high")
        assert "maintenance mode: high, default do not run" in manage("horizon_status").stdout
        assert "one  running, maintenance mode" in manage("horizon_list").stdout
        assert is_filed(stores, held, "queued")()

        flag.unlink()
        eventually(is_filed(stores, held, "finished"), within=20, explain=horizon.said)
        comes_to_say(client, "Quiet.")

        flag.touch()
        comes_to_say(client, "Maintenance mode")
        eventually(
            lambda: [each.state for each in stores.workers.living() if each.supervisor == "one"] == ["paused"],
            explain=horizon.said,
        )
        page = client.get(reverse("horizon:workers")).context["page"]
        assert sorted(row.state.word for row in page.groups[0].workers) == ["Maintenance mode", "Ready"]


def test_a_maintenance_function_that_hangs_holds_nobody_up_and_is_told_of_until_it_answers(
    client: Client, stores: Stores, settings: Any, tmp_path: Path
) -> None:
    settings.HORIZON = {**settings.HORIZON, "schedule": []}
    flag = tmp_path / "maintenance"
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.support.supervised",
        "TEST_SUPERVISORS": json.dumps({"one": {"queue": ["high", "default", "audience-sync"]}}),
        "TEST_HORIZON": json.dumps({"maintenance": "tests.support.maintenance_flag.is_up"}),
        "MAINTENANCE_FLAG": str(flag),
    }
    with running("horizon", DATABASE_URL=database(), **environment) as horizon:
        eventually(is_filed(stores, dispatch(jobs.nothing), "finished"), within=20, explain=horizon.said)
        flag.write_text(HANG, encoding="utf-8")

        said = comes_to_say(client, 'HORIZON["maintenance"] has not answered on', within=40)
        assert said.tone == "warn"
        master, worker = stores.masters.living()[0], stores.workers.living()[0]
        assert time.time() - master.beat_at < 3
        assert 'HORIZON["maintenance"] has not answered on' in manage("horizon_check").stdout
        os.kill(worker.pid, signal.SIGKILL)
        eventually(is_filed(stores, dispatch(jobs.nothing), "finished"), within=5, explain=horizon.said)

        # Who hung is never heard of again: only one that took its place can tell.
        flag.write_text("", encoding="utf-8")
        eventually(lambda: stores.masters.living()[0].is_in_maintenance, within=40, explain=horizon.said)
        assert stores.masters.living()[0].maintenance_silent_since is None


def test_what_is_wrong_with_the_server_is_told_with_its_figure_and_what_is_at_risk(
    client: Client, stores: Stores, scheduled: Callable[..., Schedule], server_settings: Callable[..., None]
) -> None:
    with system(stores, scheduled(every=86_400)):
        dispatch(jobs.nothing)
        comes_to_say(client, "Quiet.")

        with kept_busy(stores.client):
            slow = comes_to_say(client, "Redis is slow")
        assert re.match(r"Redis is slow: it took \d{3,} ms to answer\.", slow.sentence)
        assert slow.tone == "warn"

        server_settings(maxmemory="1gb", maxmemory_policy="allkeys-lru")
        risky = verdict(client)
        assert (risky.tone, risky.sentence) == ("bad", "Jobs may be lost: Redis’ policy is allkeys-lru.")
        assert risky.command == "redis-cli config set maxmemory-policy noeviction"

        used = int(stores.client.info("memory")["used_memory"])
        server_settings(maxmemory_policy="noeviction", maxmemory=int(used / 0.87))
        assert re.match(r"Redis is (nearly )?full: \d+% of its memory is used\.", verdict(client).sentence)


def test_what_became_of_jobs_and_of_the_clock_meanwhile_is_told_and_is_no_error(
    client: Client,
    stores: Stores,
    scheduled: Callable[..., Schedule],
    redis_goes_away: Callable[[], AbstractContextManager[None]],
) -> None:
    with system(stores, scheduled(every=86_400)) as horizon:
        assert manage("horizon_snapshot", DATABASE_URL=database()).returncode == 0
        scheduler = stores.masters.living()[0].scheduler_pid
        os.kill(scheduler, signal.SIGSTOP)
        with redis_goes_away():
            outside = dispatch_durably(jobs.nothing)
        # What waits for less than a minute is no state of its own, and a test has no minute.
        OutboxEntry.objects.update(created_at=timezone.now() - timedelta(minutes=2))

        # As any program that uses RQ may file it: its result, and with it its data, is kept for a second.
        brief = get_queue("default").enqueue_call(jobs.add, args=(1, 2), result_ttl=1).id
        failed = dispatch(jobs.fail, options=JobOptions(queue="high"))
        eventually(is_filed(stores, failed, "failed"), explain=horizon.said)
        eventually(lambda: Run.objects.count() == 2, explain=horizon.said)

        found = client.get(reverse("horizon:jobs"), {"state": "failed", "queue": "high", "error": "KeyError"})
        assert "Without error:KeyError there are some" in found.content.decode()
        assert reverse("horizon:jobs") + "?state=failed&amp;queue=high" in found.content.decode()

        client.post(reverse("horizon:pause"), {"queue": "high", "reason": "the deploy"})
        form = {"id": failed, "next": reverse("horizon:jobs")}
        answers = [client.post(reverse("horizon:retry"), form) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [302, 302]
        told = str(list(get_messages(answers[1].wsgi_request))[-1])
        assert re.match(r"Not retried: it waits in high since \d\d:\d\d", told)

        eventually(lambda: not stores.client.exists(job_key(brief)), explain=horizon.said)
        gone = text_of(client, "job", job_id=brief)
        assert "This job’s data expired, so it cannot be retried and its result is gone." in gone
        assert "Kept its runs, 30 days" in gone

        copy_runs(Run.objects.get(job_id=failed), MOST_COUNTED)
        page = client.get(reverse("horizon:jobs"), {"state": "failed"}).context["page"]
        assert page.sentence == "100,000+ failed runs."
        assert [tab.count for tab in page.tabs if tab.word == "Failed"] == ["100,000+"]

        stopped = comes_to_say(client, "No scheduler runs.", within=20)
        assert re.match(r"No scheduler runs\. Graphs are stale since \d\d:\d\d:\d\d", stopped.sentence)
        assert stopped.command == "python manage.py rqscheduler"
        kept_outside = r"1 row in the outbox, the oldest for 2 min( \d+ s)?\. A scheduler sends them\."
        assert any(re.fullmatch(kept_outside, each.line) for each in stopped.causes)
        os.kill(scheduler, signal.SIGCONT)
        eventually(is_filed(stores, outside, "finished"), explain=horizon.said)
        assert comes_to_say(client, "high is paused; 1 job waits.").causes[1:] == ()


def copy_runs(run: Run, number: int) -> None:
    """So many runs more like this one, in one statement."""
    table = Run._meta.db_table
    names = [each.column for each in Run._meta.concrete_fields]
    own = {"id": "id - n", "execution_id": "'copy ' || n"}
    values = [own.get(each, each) for each in names]
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE more(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < %s) "
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {table}, more WHERE id = %s",
            [number, run.pk],
        )


def test_processes_that_are_gone_are_told_apart_as_they_go_one_by_one(
    client: Client, stores: Stores, scheduled: Callable[..., Schedule]
) -> None:
    with system(stores, scheduled(every=2)) as horizon:
        eventually(lambda: stores.pulse.read(["high"], time.time()).last_snapshot_at, explain=horizon.said)
        comes_to_say(client, "Quiet.")

        client.post(reverse("horizon:pause_entry"), {"entry": "snapshots", "reason": "the disk is full"})
        stale = comes_to_say(client, "The last snapshot is of")
        assert re.match(
            r"The last snapshot is of .* \((just now|\d+ s ago)\), so the graphs are stale\.", stale.sentence
        )
        assert stale.command == "python manage.py horizon_snapshot"
        client.post(reverse("horizon:resume_entry"), {"entry": "snapshots"})
        comes_to_say(client, "Quiet.")

        (worker,) = stores.workers.living()
        horizon.kill_one(worker.pid)
        died = comes_to_say(client, "A worker died in the last 15 minutes.")
        assert "was killed by signal 9 (SIGKILL)" in died.causes[0].line
        eventually(lambda: [each.pid for each in stores.workers.living()] not in ([], [worker.pid]))

        horizon.send(signal.SIGKILL)
        eventually(lambda: not stores.workers.living(), explain=horizon.said)
        for _ in range(3):
            dispatch(jobs.nothing)
        # Its last word holds for a while.
        comes_to_say(client, "Horizon runs, but has no worker alive. 3 jobs wait.")
        dead = comes_to_say(client, "No workers.", within=20)
        assert (dead.tone, dead.sentence) == ("bad", "No workers. 3 jobs wait and nothing runs them.")
        assert re.match(r"default has 3 jobs waiting, the oldest for \d+ s\.", dead.causes[0].line)

        with running("rqworker", "default", DATABASE_URL=database()) as by_hand:
            alone = comes_to_say(client, "Workers run, but no Horizon process: nobody replaces a worker that dies.")
            assert alone.tone == "warn"
            assert alone.causes[0].line == "1 worker was started by hand."
            assert re.match(
                r"No scheduler has reported in the last 15 seconds, so graphs are stale since \d\d:\d\d:\d\d\.",
                alone.causes[1].line,
            )
            dispatch(jobs.urgent)
            unserved = comes_to_say(client, "high has 1 job and no worker listens.")
            assert (unserved.tone, unserved.command) == ("bad", "python manage.py rqworker high")
            by_hand.send(signal.SIGTERM)
            by_hand.wait()
    assert verdict(client).sentence == "No workers. 1 job waits and nothing runs them."


def test_a_deploy_that_left_a_host_out_and_a_wrong_connection_are_told(
    client: Client, stores: Stores, scheduled: Callable[..., Schedule]
) -> None:
    schedule = scheduled(every=86_400)
    with system(stores, schedule, APP_VERSION="2026.1") as older, system(stores, schedule, APP_VERSION="2026.2"):
        skew = comes_to_say(client, "2026.2 and 2026.1 run side by side.")
        assert re.match(r"Versions: 2026\.2 on \S+ since .*; 2026\.1 on \S+ since ", skew.causes[0].line)
        assert "2026.1 and 2026.2 run side by side." in text_of(client, "workers")
        older.send(signal.SIGTERM)
        comes_to_say(client, "Quiet.")

    place = f"127.0.0.1:{free_port()}"
    web = ("runserver", "--noreload", "--skip-checks", place)
    with running("horizon", QUEUE_CONNECTION="sync", DATABASE_URL=database()) as idle:
        eventually(stores.masters.living, within=20, explain=idle.said)
        dispatch(jobs.nothing)
        with running(*web, QUEUE_CONNECTION="sync", DATABASE_URL=database()) as pages:
            eventually(lambda: "Starting development server" in pages.said(), within=30, explain=pages.said)
            with urlopen(f"http://{place}/horizon/", timeout=20) as answer:
                text = words_of(answer.read().decode())
    assert (
        "QUEUE_CONNECTION is 'sync', so Horizon starts no worker and jobs pile up unprocessed. 1 job waits now." in text
    )
    assert "Set QUEUE_CONNECTION=redis to have them run." in text
    assert "python manage.py horizon_terminate" in text


def test_workers_that_die_at_their_start_are_told_until_one_of_them_works(
    client: Client, stores: Stores, tmp_path: Path, settings: Any
) -> None:
    settings.HORIZON = {**settings.HORIZON, "schedule": []}
    faults = {"FAULT": "at boot", "FAULT_TRAIL": str(tmp_path / "deaths"), "FAULT_TIMES": "2"}
    environment = {"DJANGO_SETTINGS_MODULE": "tests.support.faulty", "DATABASE_URL": database(), **faults}
    with running("horizon", **environment) as horizon:
        dying = comes_to_tell(client, "cannot keep its workers alive.", within=20)
        assert (dying.tone, dying.command) == ("bad", "python manage.py horizon_terminate")
        assert dying.headline.startswith("supervisor-1 on ")
        assert "2 in a row ended within 5 s of their start (the last was killed by signal 9" in dying.line
        assert "2 in a row ended within 5 s of their start" in text_of(client, "workers")

        dispatch(jobs.nothing)
        comes_to_say(client, "2 workers died in the last 15 minutes.")
        assert "in a row ended" not in text_of(client, "workers"), horizon.said()


def test_what_nobody_serves_or_counts_or_can_queue_is_told_with_what_mends_it(
    client: Client, stores: Stores, settings: Any
) -> None:
    settings.HORIZON = {**settings.HORIZON, "schedule": []}
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.support.supervised",
        "TEST_SUPERVISORS": json.dumps({"one": {"queue": ["high", "default"]}}),
        "TEST_HORIZON": json.dumps({"runs_kept": 100}),
        "DATABASE_URL": database(),
    }
    # Made before it starts, since a scheduler looks for others only now and then.
    entries = [
        ScheduleEntry.objects.create(name=name, every=1, job=f"tests.support.jobs.{name}", queue="default")
        for name in ("missing", "nothing")
    ]
    with running("horizon", **environment) as horizon:
        dispatch(jobs.nothing, options=JobOptions(queue="audience-sync"))
        unserved = comes_to_tell(client, "audience-sync has 1 job and no worker listens.", within=20)
        assert (unserved.tone, unserved.command) == ("bad", "python manage.py rqworker audience-sync")
        assert unserved.line.endswith("No supervisor lists the queue audience-sync.")

        faulty = comes_to_tell(client, "missing cannot be queued by the clock.", within=20)
        assert faulty.tone == "bad"
        assert "which cannot be imported" in faulty.line
        eventually(lambda: stores.entries.known(time.time()).state("nothing").runs, explain=horizon.said)
        # As by a program that writes its jobs in a format of its own.
        stores.client.hset(job_key("cron-nothing"), "meta", b"\x80pickled")
        broken = comes_to_tell(client, "nothing and missing cannot be queued by the clock.", within=20)
        assert broken.line.startswith("nothing: Its data in Redis is not JSON.")
        assert "Its data in Redis is not JSON." in text_of(client, "schedule")
        for each in entries:
            each.delete()

        collector = stores.collecting.collector()
        assert collector is not None
        os.kill(collector.pid, signal.SIGSTOP)
        dispatch_many(jobs.nothing, [()] * 350)
        eventually(lambda: stores.jobs.counts(["default"])[State.FINISHED] >= 350, within=20, explain=horizon.said)
        os.kill(collector.pid, signal.SIGCONT)
        gap = comes_to_tell(client, "dropped uncounted", within=20)
        assert re.fullmatch(r"\d{3} runs were dropped uncounted: graphs have a gap from .+ to .+\.", gap.headline)

        eventually(lambda: not told(client, "cannot be queued by the clock."), explain=horizon.said)
        horizon.send(signal.SIGKILL)
        eventually(lambda: not stores.workers.living() and stores.collecting.collector() is None)
    dispatch_many(jobs.nothing, [()] * 2)
    assert does(unserved, "default", "--burst").returncode == 0
    comes_to_say(client, "No Horizon process and no workers.", within=20)
    uncounted = comes_to_tell(client, "No collector runs.")
    assert uncounted.line.startswith("3 runs wait to be counted. Redis keeps them until a collector comes")
    assert does(uncounted, "--until-empty").returncode == 0
    assert not told(client, "No collector runs.")


def told(client: Client, words: str) -> Finding | None:
    """What the overview finds in such words, be it the worst or not."""
    return next((each for each in verdict(client).causes if words in each.headline), None)


def comes_to_tell(client: Client, words: str, within: float = 10) -> Finding:
    """The same, once it does."""
    return eventually(lambda: told(client, words), within=within, explain=lambda: verdict(client))


def does(said: Finding, *more: str) -> subprocess.CompletedProcess[str]:
    """What is said to type."""
    words = said.command.removeprefix("python manage.py ").split()
    return manage(*words, *more, DATABASE_URL=database())
