"""In a deploy the dashboard reads what processes of another version wrote, and stands."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from allegro_queue.stores import Stores
from allegro_queue.stores.entries import EntryPause
from allegro_queue.stores.pauses import Pause
from tests.support import every_page, records

pytestmark = pytest.mark.django_db

Fields = dict[str, Any]

NAMES = ("name", "queue", "queues", "host", "lost_at", "supervisors")
"""What any version says."""


def newer(given: Fields) -> Fields:
    return {**given, "fate": {"sealed": [1]}}


def barest(given: Fields) -> Fields:
    return {name: value for name, value in given.items() if name in NAMES}


def rewrite(stores: Stores, change: Callable[[Fields], Fields]) -> int:
    """Have each record be one of another version; how many there are."""
    client, keys = stores.client, stores.keys

    def changed(text: Any) -> str:
        given = change(json.loads(text))
        if "supervisors" in given:
            given["supervisors"] = [change(each) for each in given["supervisors"]]
        return json.dumps(given)

    alone = [keys.scheduler, *client.scan_iter(keys.master("*")), *client.scan_iter(keys.worker("*"))]
    for key in alone:
        client.set(key, changed(client.get(key)))
    lost = client.lrange(keys.lost_workers, 0, -1)
    for place, text in enumerate(lost):
        client.lset(keys.lost_workers, place, changed(text))
    paused = [(key, *item) for key in (keys.paused, keys.paused_entries) for item in client.hgetall(key).items()]
    for key, name, text in paused:
        client.hset(key, name, changed(text))
    return len(alone) + len(lost) + len(paused)


@pytest.mark.parametrize("change", [newer, barest])
def test_each_address_answers_as_it_does_to_records_of_its_own_version(
    client: Client, stores: Stores, change: Callable[[Fields], Fields]
) -> None:
    now = time.time()
    found = every_page.system(stores)
    stores.workers.add_lost(records.lost(now))
    assert stores.workload.read(["default"], now)["default"].waiting
    stores.pauses.pause(Pause(queue="default", since=now, by="ada"))
    stores.entries.pause(EntryPause(entry="audience-sync-tick", since=now, by="ada"))
    before = {name: client.get(address).status_code for name, address in found.items()}

    assert rewrite(stores, change) >= 10

    assert {name: client.get(address).status_code for name, address in found.items()} == before
    assert {each.name for each in stores.masters.living()} == {each.name for each in stores.pulse.read([], now).masters}
    assert set(stores.pauses.current(now)) == {"default"}
    assert stores.workload.read(["default"], now)["default"].waiting == 0
