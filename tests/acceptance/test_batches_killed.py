"""Batches while workers are killed at random: every job counts once, and what follows comes once."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from allegro_queue.batches import NewBatch, batch, follow_up
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from tests.acceptance.test_random_kills import children_of
from tests.support import batch_jobs
from tests.support.eventually import eventually
from tests.support.running import running

pytestmark = pytest.mark.django_db(transaction=True)

KILLS = int(os.environ.get("KILLS", "25"))
JOBS = 25
SEED = 20261124


def test_batches_are_exact_and_followed_once_while_workers_are_killed(stores: Stores, tmp_path: Path):
    ledger = str(tmp_path / "ledger")
    dice = random.Random(SEED)
    made: list[NewBatch] = []
    ids: dict[str, list[str]] = {}

    def one() -> None:
        """A batch whose jobs may be tried twice or once, and may fail, or may not."""
        number = len(made)
        with batch(
            f"number {number}",
            then=follow_up(batch_jobs.enter, ledger, f"then {number}", 0, options=JobOptions(queue="high", tries=10)),
            catch=follow_up(batch_jobs.enter, ledger, f"catch {number}", 0, options=JobOptions(queue="high", tries=10)),
            finally_=follow_up(
                batch_jobs.enter, ledger, f"finally {number}", 0, options=JobOptions(queue="high", tries=10)
            ),
            allow_failures=number % 3 > 0,
        ) as jobs:
            options = JobOptions(tries=1 + number % 2)
            ids[jobs.id] = [
                jobs.add(batch_jobs.enter, ledger, f"job {number}", 0.002, options=options) for _ in range(JOBS)
            ]
        made.append(jobs)

    with running(
        "horizon",
        DJANGO_SETTINGS_MODULE="tests.support.supervised",
        TEST_SUPERVISORS=json.dumps(
            {"one": {"queue": ["high", "default"], "min_processes": 3, "max_processes": 3, "tries": 1}}
        ),
    ) as process:
        one()
        eventually(Path(ledger).exists, within=20, explain=process.said)
        kills = 0
        while kills < KILLS:
            if stores.jobs.lengths(["default"])["default"] < 60:
                one()
            children = children_of(process.pid)
            if children:
                os.kill(dice.choice(children), signal.SIGKILL)
                kills += 1
            until = time.monotonic() + dice.uniform(0.05, 0.25)
            eventually(lambda until=until: time.monotonic() > until)
        eventually(lambda: all(has_ended(each) for each in made), within=60, explain=process.said)
        eventually(lambda: sum(stores.jobs.lengths(["high", "default"]).values()) == 0, within=20)
        eventually(lambda: stores.reservations.all() == [], within=20, explain=process.said)
        orphans = stores.audit.orphans(lambda: None)

    wrote = Counter(Path(ledger).read_text().splitlines())
    lost = 0
    for number, each in enumerate(made):
        found = each.record()
        assert found is not None
        status = Counter(row.status for row in stores.jobs.rows(ids[each.id]))
        lost += found.failed
        assert found.total == JOBS
        assert (found.succeeded, found.failed, found.skipped) == (
            status["finished"],
            status["failed"],
            status["canceled"],
        )
        assert found.succeeded + found.failed + found.skipped == JOBS
        whole = found.succeeded == JOBS
        queued = {which: following.queued_at is not None for which, following in found.following.items()}
        assert queued == {"then": whole, "catch": found.failed > 0, "finally": True}
        # A follower whose worker was killed is tried again, and may have written before.
        for which, is_due in queued.items():
            assert (wrote[f"{which} {number}"] > 0) == is_due
            assert stores.jobs.rows([found.following[which].job_id])[0].status == "finished" if is_due else True
    print(f"{len(made)} batches, {KILLS} kills, {lost} jobs failed by them")
    assert lost > 0
    assert orphans == []


def has_ended(made: NewBatch) -> bool:
    record = made.record()
    return record is not None and record.finished_at is not None
