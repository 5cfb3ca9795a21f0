from __future__ import annotations

import pytest

from allegro_queue.status import Status, status_of
from allegro_queue.stores.masters import MasterRecord, SupervisorRecord
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from tests.support import records


def master(status: str = "running", *supervisors: SupervisorRecord) -> MasterRecord:
    return records.master(0, status=status, supervisors=supervisors)


MAINTAINED = records.supervisor(maintenance=True)
PAUSED = records.supervisor(status="paused")
WORKING = records.supervisor()


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
        ([master("running", MAINTAINED)], [], Status.MAINTENANCE),
        ([master("running", MAINTAINED)], [Pause(queue=ALL_QUEUES, since=0)], Status.PAUSED),
        ([master("paused", PAUSED), master("running", MAINTAINED)], [], Status.MAINTENANCE),
        ([master("running", PAUSED, MAINTAINED)], [], Status.MAINTENANCE),
        ([master("running", MAINTAINED), master("running", WORKING)], [], Status.RUNNING),
        ([master("running", MAINTAINED, WORKING)], [], Status.RUNNING),
    ],
)
def test_one_word_says_how_horizon_is(masters: list[MasterRecord], pauses: list[Pause], status: Status):
    assert status_of(masters, pauses) is status
