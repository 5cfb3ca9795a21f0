"""What a page's own script is answered while nothing changes, and how soon it is told when something does."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from redis import Redis
from rq import Queue

from allegro.accounts.models import User
from allegro_queue.batches import batch
from allegro_queue.dashboard.page.stamps import HELD_SECONDS
from allegro_queue.history.models import Collected, Series
from allegro_queue.job_notes import LogLine, Progress, Said
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.collecting import CollectorRecord
from allegro_queue.stores.entries import EntryPause
from allegro_queue.stores.pauses import Pause
from allegro_queue.stores.schedule import SCHEDULED
from tests.support import every_page, jobs, records, scenes
from tests.support.endless import endless
from tests.support.failures import queued
from tests.support.people import staff
from tests.support.runs import add_runs, collected, run_record
from tests.support.trips import trips_of

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """The time of the web process; it stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def poll(client: Client, address: str, tag: str = "") -> Any:
    """Ask as the page's script does that has what came with this tag."""
    return client.get(address, headers={"X-Horizon-Fragment": "1", **({"If-None-Match": tag} if tag else {})})


def tag_of(client: Client, address: str) -> str:
    answer = poll(client, address)
    assert answer.status_code in (200, 404)
    return str(answer.headers["ETag"])


# ------------------------------------------------------------------------------------------------ While nothing changes


def test_an_idle_poll_of_any_page_costs_one_round_trip_and_no_query_of_its_own(
    stores: Stores, settings: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = every_page.pages(Client(), every_page.system(stores))
    settings.HORIZON = {**settings.HORIZON, "environment": "staging"}
    client = Client()
    client.force_login(staff())
    dear = {}

    for name, address in pages.items():
        tag = tag_of(client, address)
        with monkeypatch.context() as meanwhile, CaptureQueriesContext(connection) as asked:
            trips = trips_of(meanwhile)
            answer = poll(client, address, tag)
        # The two queries are those of the session and its user.
        if (answer.status_code, answer.content, len(trips), len(asked)) != (304, b"", 1, 2):
            dear[name] = (answer.status_code, len(trips), len(asked))

    assert len(pages) > 30
    assert dear == {}


def test_a_page_that_was_drawn_again_and_is_the_same_gives_its_reader_a_tag_that_holds_again(
    client: Client, stores: Stores, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = reverse("horizon:batches")
    tag = tag_of(client, address)

    clock.now += HELD_SECONDS
    again = poll(client, address, tag)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] != tag

    clock.now += HELD_SECONDS - 0.1
    trips = trips_of(monkeypatch)
    assert poll(client, address, again.headers["ETag"]).status_code == 304
    assert len(trips) == 1


def test_a_form_on_a_page_does_not_make_it_another_one(client: Client, stores: Stores, clock: Clock) -> None:
    address = reverse("horizon:batches")
    stores.pauses.pause(Pause(queue="high", since=clock.now - 600))
    first = poll(client, address)
    assert b"csrfmiddlewaretoken" in first.content

    clock.now += HELD_SECONDS

    assert poll(client, address, first.headers["ETag"]).status_code == 304


def test_the_beats_of_living_processes_make_no_page_another_one(
    client: Client, stores: Stores, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes.quiet_system(stores, clock.now)
    tag = tag_of(client, reverse("horizon:workers"))

    clock.now += 5
    stores.masters.write(records.master(clock.now))
    stores.workers.write(records.worker(clock.now, memory_bytes=71_000_000))
    stores.schedulers.lead("of-the-scene", records.scheduler(clock.now))

    trips = trips_of(monkeypatch)
    assert poll(client, reverse("horizon:workers"), tag).status_code == 304
    assert len(trips) == 1


# ------------------------------------------------------------------------------------------------ When something is done


def swap_the_last(stores: Stores) -> None:
    queue = Queue("default", connection=stores.client)
    gone = queue.job_ids[-1]
    queue.remove(gone)
    queue.enqueue(jobs.nothing)


def leave_a_note(stores: Stores, progress: Progress | None = None) -> None:
    line = LogLine(at=time.time(), level="INFO", logger="shop", attempt=1, words="half of it")
    stores.notes.add(Said(job_id="abc", progress=progress, lines=(line,), left_out=0), time.time())


def make_a_batch(stores: Stores) -> None:
    with batch("Import of members") as made:
        made.add_many(jobs.nothing, [()])


DEEDS: dict[str, Callable[[Stores], object]] = {
    "a job enqueued by plain RQ": lambda stores: Queue("default", connection=stores.client).enqueue(jobs.nothing),
    "a job taken from the front": lambda stores: stores.client.lpop("rq:queue:default"),
    "one job for another": swap_the_last,
    "a job that runs": lambda stores: stores.client.zadd("rq:wip:default", {"abc:def": time.time() + 60}),
    "a job in a worker's hands": lambda stores: stores.client.hset(stores.keys.reserved, "web-1-4121", "{}"),
    "a job that failed": lambda stores: scenes.failed_job(stores, time.time()),
    "a job that finished under plain RQ": lambda stores: stores.client.zadd("rq:finished:default", {"abc": 1}),
    "a job put off": lambda stores: stores.client.zadd("rq:scheduled:default", {"abc": time.time() + 60}),
    "a job that waits for another": lambda stores: stores.client.zadd("rq:deferred:default", {"abc": 1}),
    "a job called off": lambda stores: stores.client.zadd("rq:canceled:default", {"abc": 1}),
    "a run that ended": lambda stores: add_runs(stores.client, run_record(time.time())),
    "a line in a job's log": leave_a_note,
    "a paused queue": lambda stores: stores.pauses.pause(Pause(queue="high", since=time.time())),
    "RQ's own switch": lambda stores: stores.client.set("rq:suspended", 1),
    "a worker that came": lambda stores: stores.workers.write(records.worker(time.time(), name="web-1-9", pid=9)),
    "a worker that left": lambda stores: stores.workers.remove("web-1-4121"),
    "a worker that was lost": lambda stores: stores.workers.add_lost(records.lost(time.time())),
    "a Horizon process that came": lambda stores: stores.masters.write(records.master(time.time(), name="web-3")),
    "another scheduler": lambda stores: stores.client.set(
        stores.keys.scheduler, stores.client.get(stores.keys.scheduler).replace(b'"fence":', b'"fence":1')
    ),
    "a batch": make_a_batch,
    "an entry that had its turn": lambda stores: stores.client.zincrby(
        SCHEDULED, 60, stores.client.zrange(SCHEDULED, 0, 0)[0]
    ),
    "an entry of another's": lambda stores: stores.client.zadd(SCHEDULED, {"abc": time.time() + 9_999}),
    "a paused entry": lambda stores: stores.entries.pause(EntryPause(entry="audience-sync-tick", since=time.time())),
    "a paused supervisor": lambda stores: stores.client.hset(stores.keys.paused_supervisors, "supervisor-1", "{}"),
    "an alert": lambda stores: stores.alerts.show(1),
    "a snapshot": lambda stores: stores.metrics.finish_snapshot(time.time()),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_done_makes_the_next_poll_look_again(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    scenes.quiet_system(stores, time.time())
    scenes.backlog(stores, "default", 3)
    address = reverse("horizon:health")
    tag = tag_of(client, address)

    DEEDS[deed](stores)

    trips = trips_of(monkeypatch)
    poll(client, address, tag)
    assert len(trips) > 1


def test_a_job_enqueued_by_plain_rq_shows_at_the_next_poll(client: Client, stores: Stores) -> None:
    address = reverse("horizon:jobs", query={"state": "waiting"})
    tag = tag_of(client, address)

    job = Queue("default", connection=stores.client).enqueue(jobs.nothing)

    answer = poll(client, address, tag)
    assert answer.status_code == 200
    assert job.id in answer.content.decode()


def test_what_a_person_does_shows_at_the_next_poll(client: Client, stores: Stores) -> None:
    address = reverse("horizon:queues")
    tag = tag_of(client, address)

    client.post(reverse("horizon:pause"), {"queue": "high", "reason": "mail is down"})

    assert "mail is down" in poll(client, address, tag).content.decode()


def test_a_run_shows_at_the_next_poll_after_it_came_into_the_database(client: Client, stores: Stores) -> None:
    scenes.quiet_system(stores, time.time())
    address = reverse("horizon:jobs", query={"state": "finished"})
    run = run_record(time.time())
    beat(stores)
    add_runs(stores.client, run)
    tag = tag_of(client, address)
    assert poll(client, address, tag).status_code == 304

    collected(stores)
    beat(stores)

    assert run.job_id in poll(client, address, tag).content.decode()


def beat(stores: Stores) -> None:
    """The collector says how far it is."""
    position = Collected.objects.values_list("position", flat=True).first() or ""
    now = time.time()
    stores.collecting.beat(
        CollectorRecord(
            host="web-1", pid=1, master="", started_at=now, beat_at=now, behind=0, behind_seconds=0, per_second=1,
            collected=position,
        )
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ When time goes by


def test_what_time_alone_changes_shows_within_the_bound(client: Client, stores: Stores, clock: Clock) -> None:
    scenes.quiet_system(stores, clock.now)
    stores.pauses.pause(Pause(queue="high", since=clock.now - 60, until=clock.now + 1))
    address = reverse("horizon:queues")
    first = poll(client, address)
    assert "high is paused" in first.content.decode()

    clock.now += HELD_SECONDS

    answer = poll(client, address, first.headers["ETag"])
    assert answer.status_code == 200
    assert "high is paused" not in answer.content.decode()


def test_a_process_whose_beats_stop_is_not_taken_for_alive(
    client: Client, stores: Stores, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes.quiet_system(stores, clock.now)
    address = reverse("horizon:workers")
    clock.now += 14
    tag = tag_of(client, address)

    clock.now += 1

    trips = trips_of(monkeypatch)
    poll(client, address, tag)
    assert len(trips) > 1


# ------------------------------------------------------------------------------------------------ Who reads


def test_another_readers_tag_does_not_serve(reader: Callable[..., User], client: Client, redis: Redis) -> None:
    job = Queue("default", connection=redis).enqueue(jobs.add, 41, 1)
    address = reverse("horizon:job", kwargs={"job_id": job.id})
    reader()
    tag = tag_of(client, address)
    other = User.objects.create_user(email="other@example.org", is_staff=True)
    other.user_permissions.set(
        Permission.objects.filter(content_type__app_label="allegro_queue", codename="view_horizon")
    )

    client.force_login(other)

    # The page is the same; its stamp is not.
    again = poll(client, address, tag)
    assert stamp_in(again.headers["ETag"]) != stamp_in(tag)


@pytest.mark.parametrize(
    ("before", "after", "shows"), [((), (Right.VIEW_PAYLOAD,), True), ((Right.VIEW_PAYLOAD,), (), False)]
)
def test_a_right_that_is_given_or_taken_shows_at_the_next_poll(
    reader: Callable[..., User],
    client: Client,
    redis: Redis,
    settings: Any,
    before: tuple[Right, ...],
    after: tuple[Right, ...],
    shows: bool,
) -> None:
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests"]}
    address = reverse("horizon:job", kwargs={"job_id": queued(jobs.fail, "mushrooms")})
    user = reader(*before)
    first = poll(client, address)
    assert ("mushrooms" in first.content.decode()) is not shows

    names = [right.value for right in (Right.VIEW, *after)]
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="allegro_queue", codename__in=names))

    answer = poll(client, address, first.headers["ETag"])
    assert answer.status_code == 200
    assert ("mushrooms" in answer.content.decode()) is shows


def test_who_may_not_look_any_more_is_refused_whatever_he_has(
    reader: Callable[..., User], client: Client, redis: Redis
) -> None:
    user = reader()
    tag = tag_of(client, reverse("horizon:queues"))

    user.user_permissions.clear()

    assert poll(client, reverse("horizon:queues"), tag).status_code == 403


def test_another_query_is_another_page(client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = tag_of(client, reverse("horizon:jobs", query={"state": "waiting"}))

    trips = trips_of(monkeypatch)
    poll(client, reverse("horizon:jobs", query={"state": "waiting", "queue": "high"}), tag)
    assert len(trips) > 1


def test_another_version_of_the_code_is_another_page(
    client: Client, stores: Stores, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = tag_of(client, reverse("horizon:queues"))

    settings.HORIZON = {**settings.HORIZON, "version": "3f2a91d"}

    trips = trips_of(monkeypatch)
    poll(client, reverse("horizon:queues"), tag)
    assert len(trips) > 1


# ------------------------------------------------------------------------------------------------ When something is missing


def test_a_page_that_lacks_its_counts_is_drawn_again_at_the_next_poll(client: Client, stores: Stores) -> None:
    scenes.quiet_system(stores, time.time())
    address = reverse("horizon:overview")
    with endless(Series._meta.db_table):
        lacking = poll(client, address)
    assert b"data-hz-late" in lacking.content

    answer = poll(client, address, lacking.headers["ETag"])

    assert answer.status_code == 200
    assert b"data-hz-late" not in answer.content


def test_a_poll_while_redis_is_away_is_told_so_and_the_next_one_gets_the_page(
    client: Client, stores: Stores, redis_goes_away: Callable[[], AbstractContextManager[None]]
) -> None:
    address = reverse("horizon:queues")
    tag = tag_of(client, address)

    with redis_goes_away():
        away = poll(client, address, tag)
    assert away.status_code == 200
    assert b"data-hz-unknown" in away.content

    assert poll(client, address, away.headers["ETag"]).status_code == 200


def stamp_in(tag: str) -> str:
    return tag.strip('"').partition("-")[2].partition(".")[0]
