"""Every address below the dashboard, with names of things that are there: what a test walks that is about all pages."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse

from allegro_queue.activity import journal
from allegro_queue.activity.journal import Deed
from allegro_queue.activity.models import Activity
from allegro_queue.alerts import book
from allegro_queue.alerts.spans import span
from allegro_queue.alerts.standing import Advance, Event, Happening, Standing
from allegro_queue.alerts.watching import Memory
from allegro_queue.batches import batch
from allegro_queue.bulk.models import BulkRun
from allegro_queue.dashboard.urls import urlpatterns
from allegro_queue.history.models import FailureGroup, Run
from allegro_queue.scheduling.entries import DATABASE, problems_of_entry
from allegro_queue.stores import Stores
from allegro_queue.stores.due import Due, Parked
from allegro_queue.supervision.scaling import PoolLoad, decided
from allegro_queue.tellings import in_a_list, telling
from tests.support import jobs, records, scenes
from tests.support.runs import collected, failed_record

PLACES: Mapping[str, Any] = {
    "queue": "default",
    "act": "retry",
    "master": "web-1-4102",
    "worker": "web-1-4121",
    "chart": "counts",
    "name": "audience-sync-tick",
    "view_id": 1,
    "rest": "nothing",
}
"""What stands for those parts of an address that are alike in each system that is walked."""


def addresses(places: Mapping[str, Any], *, waiting: str, failed: str) -> dict[str, str]:
    """The address of each route by its name, those too that only take a POST.

    Args:
        places: what stands for the other parts of an address that vary.
        waiting: id of a job that waits.
        failed: id of a job that failed.
    """
    places = {**PLACES, **places}
    entry = places["name"]
    queries = {
        "confirm_retry": {"all": "1"}, "confirm_delete": {"all": "1"}, "confirm_cancel": {"id": waiting},
        "confirm_move_jobs": {"id": waiting}, "confirm_pause": {"queue": "high"}, "confirm_empty": {"queue": "high"},
        "confirm_move": {"queue": "high"}, "confirm_again": {"id": failed}, "edit": {"id": failed},
        "confirm_stop": {"id": waiting}, "confirm_run_entry": {"entry": entry}, "confirm_pause_entry": {"entry": entry},
        "confirm_control": {"order": "pause"}, "confirm_mute": {"rule": "wait_over"},
        "api_metrics": {"kind": "queue", "name": "default"},
    }  # fmt: skip
    found = {}
    for route in urlpatterns:
        name = str(route.name)
        given = {each: places[each] for each in route.pattern.converters}
        # One word in an address stands for different things.
        if name.startswith("api_queues"):
            given["name"] = places["queue"]
        if name.startswith("api_bulk_runs"):
            given["run_id"] = places["run"]
        given = {each: given[each] for each in route.pattern.converters}
        found[name] = reverse(f"horizon:{name}", kwargs=given, query=queries.get(name))
    return found


def system(stores: Stores) -> dict[str, str]:
    """A system in which each page has something to show, and stands still; the addresses."""
    now = time.time()
    scenes.busy_system(stores, now)
    collected(stores, failed_record(now, job_id="run-before"))
    with batch("Import of members") as made:
        made.add_many(jobs.nothing, [()] * 3)
    bulk = BulkRun.objects.create(
        token=uuid4(), act="retry", selection={"state": "failed"}, subject="all failed jobs", cut_off=now, who="ada@alley.com",
        via="page", state="done", total=3, noted=3, done=3, created_at=now, moved_at=now, began_at=now, ended_at=now,
    )  # fmt: skip
    an_alert(now)
    said_by_people_and_processes(stores, now)
    stores.alerts.show(0)
    # What lives for seconds would end while it is looked at.
    for key in stores.client.scan_iter(count=1000):
        stores.client.persist(key)
    [waiting, failed] = (
        stores.client.lindex("rq:queue:default", 0),
        stores.client.zrange("rq:failed:default", 0, 0)[0],
    )
    assert isinstance(waiting, bytes)
    places = {
        "job_id": failed.decode(), "fingerprint": FailureGroup.objects.latest("last_at").fingerprint, "run": bulk.pk,
        "job_name": "shop.orders.jobs.pay", "batch_id": made.id, "run_id": Run.objects.latest("pk").pk,
    }  # fmt: skip
    return addresses(places, waiting=waiting.decode(), failed=failed.decode())


def said_by_people_and_processes(stores: Stores, now: float) -> None:
    """What is kept to be told in any language: a deed, why there are so many workers, what is wrong with entries."""
    subject = in_a_list(telling("queue {name}", name="high"), telling("minutes {name}", name="15"))
    journal.note(
        Deed(
            at=now, who="ada@alley.com", via=Activity.Via.PAGE, action="resume", subject=subject,
            outcome=telling("Resumed all queues."), succeeded=True,
        )
    )  # fmt: skip
    grew = decided(1, 5, PoolLoad(processes=1, waiting=24, running=4).told).explanation
    assert grew
    trouble = telling("a process could not be started ({error}); the next try is {pause} s later", error="-", pause=4)
    supervisor = records.supervisor(
        wanted=5, explanation=grew.english, explanation_said=grew, trouble=trouble.english, trouble_said=trouble
    )
    stores.masters.write(records.master(now, name="web-1-4102", environment="production", supervisors=(supervisor,)))
    entry = f"cron-{PLACES['name']}"
    [due_at] = stores.schedule.next_times([entry])
    assert due_at
    broken = Parked(entry=PLACES["name"], next_at=due_at, reason=telling("It names no queue."))
    stores.schedule.settle([(Due(id=entry, due_at=due_at, fields={}), broken)], now=now)
    fault = next(
        problems_of_entry(telling("Entry {name}", name="'tidy'"), {"name": "tidy", "every": 60, "job": ""}, ())
    )
    told = {"name": "tidy", "source": DATABASE, "fault": fault.english, "fault_said": fault.as_data()}
    stores.client.hset(stores.keys.installed, "tidy", json.dumps(told))


def an_alert(now: float) -> None:
    """One that holds, and what was told of it."""
    said = telling("{queue} paused for {time} by {who}", queue="high", time=span(7200), who="ada@alley.com")
    standing = Standing(rule="paused_long", subject="high", said=said, since=now - 60, fired_at=now, told_at=now)
    event = Event(happening=Happening.FIRED, standing=standing, channels=(), held="muted")
    assert book.take_turn("of-the-scene", "web-1", 4104, now)
    book.write_look("of-the-scene", Advance((standing,), (event,)), Memory(), [], now)


def pages(client: Client, found: Mapping[str, str]) -> dict[str, str]:
    """Those of the addresses that answer with a page of HTML."""
    answers = {name: client.get(address) for name, address in found.items()}
    return {
        name: found[name]
        for name, answer in answers.items()
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    }
