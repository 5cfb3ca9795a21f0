from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import running

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]
KILLS = int(os.environ.get("KILLS", "30"))
"""Workers killed in one run; a long one is ``KILLS=500 pytest tests/acceptance/test_random_kills.py``."""

SEED = 20261124


def test_workers_are_killed_at_random_and_every_job_is_accounted_for(
    stores: Stores, tmp_path: Path, record_property: Callable[[str, object], None]
):
    ledger = tmp_path / "ledger"
    dice = random.Random(SEED)
    ids: list[str] = []
    kills = 0

    def some(count: int) -> None:
        for _ in range(count):
            ids.append(dispatch(jobs.enter, str(ledger), 0.002, options=JobOptions(queue=dice.choice(QUEUES))))

    with running(
        "horizon",
        DJANGO_SETTINGS_MODULE="tests.support.supervised",
        TEST_SUPERVISORS=json.dumps({"one": {"queue": QUEUES, "min_processes": 3, "max_processes": 3}}),
    ) as process:
        some(50)
        eventually(ledger.exists, within=20, explain=process.said)
        while kills < KILLS:
            if sum(stores.jobs.lengths(QUEUES).values()) < 50:
                some(50)
            children = children_of(process.pid)
            if children:
                pid = dice.choice(children)
                os.kill(pid, signal.SIGKILL)
                kills += 1
            # A kill finds its worker anywhere in its work, since what passes until the next is as random.
            until = time.monotonic() + dice.uniform(0.1, 0.3)
            eventually(lambda until=until: time.monotonic() > until)
        eventually(lambda: sum(stores.jobs.lengths(QUEUES).values()) == 0, within=60, explain=process.said)
        eventually(lambda: stores.reservations.all() == [], within=20, explain=process.said)
        orphans = stores.audit.orphans(lambda: None)
        assert not process.has_ended()

    starts, ends = entries(ledger, "start"), entries(ledger, "end")
    status = {
        row.id: row.status for start in range(0, len(ids), 500) for row in stores.jobs.rows(ids[start : start + 500])
    }
    failed = [each for each in ids if status.get(each) == "failed"]
    twice = [each for each in ids if starts.count(each) > 1]
    wrong = [each for each in failed if each in ends]
    put_back = [each for each in stores.workers.lost(since=0) if each.outcome == "put back"]
    record_property(
        "jobs, kills, failed, failed after their last line", f"{len(ids)} {kills} {len(failed)} {len(wrong)}"
    )
    print(
        f"{len(ids)} jobs, {kills} kills, {len(failed)} failed, {len(wrong)} of them after their last line, "
        f"{len(put_back)} of the last {len(stores.workers.lost(since=0))} put back"
    )
    assert orphans == []
    assert [each for each in ids if status.get(each) not in ("finished", "failed")] == []
    assert twice == []
    assert len(failed) <= kills
    assert [each for each in ids if status[each] == "finished" and each not in ends] == []


def children_of(pid: int) -> list[int]:
    """Workers of a master, as the system knows them."""
    found = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for each in found if b"worker" in title_of(each)]


def title_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def entries(ledger: Path, word: str) -> list[str]:
    """Ids of jobs that wrote this word, one for each time."""
    lines = [line.split() for line in ledger.read_text().splitlines()]
    return [line[1] for line in lines if line[0] == word]
