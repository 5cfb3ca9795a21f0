"""Short storms of dying processes; the long ones, and those that wait for a lease to end, are ``bench/storm.py``."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.storms import kills
from tests.support.storms.ground import Ground, Outcome, open_ground

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with open_ground(tmp_path / "ground") as opened:
        yield opened


STORMS: dict[str, Callable[[Ground], Outcome]] = {
    "workers are killed with what they forked": partial(kills.kills_at_random, id="A2", kills=25, every=0.1),
    "workers alone are killed": partial(kills.kills_at_random, id="A3", kills=15, every=0.1, groups=False),
    "workers are told to leave": partial(kills.kills_at_random, id="A4", kills=15, every=0.1, number=signal.SIGTERM, groups=False),
    "idle workers are killed as a job arrives": partial(kills.arrivals_at_dying_workers, rounds=5, number=signal.SIGKILL),
    "idle workers are told to leave as a job arrives": partial(kills.arrivals_at_dying_workers, rounds=5, number=signal.SIGTERM),
    "jobs are killed": kills.killed_job_process,
    "the worker of a long job is killed": kills.long_job_of_a_killed_worker,
    "a job kills its worker each time": kills.poison,
    "every process is told to leave": partial(kills.term_to_the_tree, seconds=1.0),
    "the master alone is killed": kills.killed_master,
    "the disk under the log is full": kills.full_disk,
    "workers are killed at a backlog in three queues": partial(kills.strict_order_under_kills, each=60),
}  # fmt: skip


@pytest.mark.parametrize("storm", STORMS)
def test_no_job_is_lost_doubled_or_misjudged_when(storm: str, ground: Ground):
    outcome = STORMS[storm](ground)

    assert outcome.accounts.faults() == {}, outcome
    assert outcome.errors == 0
