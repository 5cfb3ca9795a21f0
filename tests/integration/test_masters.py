from __future__ import annotations

import json
from dataclasses import asdict

from redis import Redis

from allegro_queue.stores import Stores
from allegro_queue.stores.masters import PoolRecord, read_master
from tests.support import records


def test_a_name_goes_to_the_first_that_claims_it(stores: Stores):
    first, second = records.master(1, name="web", pid=1), records.master(2, name="web", pid=2)

    assert stores.masters.claim(first, lambda holder: False) is None
    assert stores.masters.claim(second, lambda holder: False) == first
    assert stores.masters.living() == [first]


def test_the_name_of_one_that_is_gone_is_free(stores: Stores):
    first, second = records.master(1, name="web", pid=1), records.master(2, name="web", pid=2)
    stores.masters.write(first)

    assert stores.masters.claim(second, lambda holder: holder.pid == 1) is None
    assert stores.masters.living() == [second]


def test_of_two_that_find_the_same_dead_record_one_gets_the_name(stores: Stores):
    dead, quick, slow = (records.master(at, name="web", pid=at) for at in (1, 2, 3))
    stores.masters.write(dead)

    def is_gone_while_the_quick_one_claims(holder: object) -> bool:
        if holder == dead:
            stores.masters.claim(quick, lambda holder: True)
        return holder == dead

    assert stores.masters.claim(slow, is_gone_while_the_quick_one_claims) == quick
    assert stores.masters.living() == [quick]


def test_a_record_comes_back_as_it_was_written(stores: Stores):
    pools = (PoolRecord(queue=("high",), wanted=2, workers=1, explanation="grew 1 → 2: 9 waiting"),)
    record = records.master(1, supervisors=(records.supervisor(balance="auto", max_processes=4, pools=pools),))

    stores.masters.write(record)

    assert stores.masters.living() == [record]


def test_records_of_older_and_newer_versions_can_be_read(redis: Redis):
    given = json.loads(json.dumps(asdict(records.master(1))))
    newer = {**given, "mood": "fine", "supervisors": [{**given["supervisors"][0], "colour": "red"}]}
    older = {**given, "supervisors": [{key: given["supervisors"][0][key] for key in ("name", "status", "queue")}]}
    older["supervisors"][0] |= {"balance": False, "wanted": 1, "workers": ["web-1-4121"]}

    assert read_master(json.dumps(newer)) == records.master(1)
    assert read_master(json.dumps(older)) == records.master(1)
