"""Short storms of a Redis server in trouble; the long ones are ``bench/storm.py``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.storms import outages
from tests.support.storms.ground import Ground, Outcome, open_ground

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with open_ground(tmp_path / "ground") as opened:
        yield opened


STORMS: dict[str, Callable[[Ground], Outcome]] = {
    "the server is killed": partial(outages.killed_server, times=2, down=0.5, every=1, fsync="always"),
    "the server stands still": partial(outages.stopped_server, seconds=3),
    "writes wait": partial(outages.paused_clients, seconds=3),
    "replies to a worker are lost": partial(outages.lost_replies, words=(b"EVALSHA", b"EXEC"), times=(1,)),
    "replies to a scheduler are lost": outages.lost_replies_of_a_scheduler,
    "a worker is cut off": partial(outages.cut_off_worker, seconds=3),
    "connections are reset": partial(outages.reset_connections, seconds=3, every=0.3),
    "the server is out of memory": partial(outages.refusals, id="B7", what="memory", refusing=outages.out_of_memory, seconds=2),
    "the server has too few replicas": partial(outages.refusals, id="B8", what="replicas", refusing=outages.too_few_replicas, seconds=2),
    "the server cannot save": partial(outages.refusals, id="B8", what="disk", refusing=outages.disk_that_fails, seconds=2),
    "the server comes late": partial(outages.late_server, seconds=2),
    "the connection is another one": outages.another_connection,
}  # fmt: skip


@pytest.mark.parametrize("storm", STORMS)
def test_no_job_is_lost_doubled_or_misjudged_when(storm: str, ground: Ground):
    outcome = STORMS[storm](ground)

    assert outcome.accounts.faults() == {}, outcome
