from __future__ import annotations

import pytest

from allegro_queue.status import Status, status_of
from allegro_queue.stores.masters import MasterRecord
from allegro_queue.stores.pauses import ALL_QUEUES, Pause


def master(status: str = "running") -> MasterRecord:
    return MasterRecord(
        name="web-1-ab12", host="web-1", pid=1, status=status, environment="local", notice="", version="0",
        started_at=0, beat_at=0, scheduler_pid=None, supervisors=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("masters", "pauses", "status"),
    [
        ([], [], Status.INACTIVE),
        ([], [Pause(queue=ALL_QUEUES, since=0)], Status.INACTIVE),
        ([master()], [], Status.RUNNING),
        ([master()], [Pause(queue="high", since=0)], Status.RUNNING),
        ([master()], [Pause(queue=ALL_QUEUES, since=0)], Status.PAUSED),
        ([master("paused")], [], Status.PAUSED),
        ([master("paused"), master()], [], Status.RUNNING),
    ],
)
def test_one_word_says_how_horizon_is(masters: list[MasterRecord], pauses: list[Pause], status: Status):
    assert status_of(masters, pauses) is status
