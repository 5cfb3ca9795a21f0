"""What the workers page calls those who take no job."""

from __future__ import annotations

import pytest

from allegro_queue.dashboard.workers.page import say, state_of_master, state_of_supervisor, worker_row
from tests.support import records
from tests.support.facts import NOW, pulse


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"maintenance": True}, "Maintenance mode"),
        ({"maintenance": True, "status": "paused"}, "Paused"),
        ({"maintenance": True, "status": "leaving"}, "Leaving"),
        ({"maintenance": True, "trouble": "its workers die at once"}, "Trouble"),
        ({}, "Running"),
    ],
)
def test_a_supervisor_in_maintenance_mode_is_told_apart_from_one_that_somebody_paused(
    given: dict[str, object], word: str
) -> None:
    assert state_of_supervisor(records.supervisor(**given)).word == word


def test_a_process_is_in_maintenance_mode_when_all_of_its_supervisors_are() -> None:
    still, forced = records.supervisor(maintenance=True), records.supervisor(name="forced")

    assert state_of_master(records.master(NOW, supervisors=(still,))).word == "Maintenance mode"
    assert state_of_master(records.master(NOW, supervisors=(still, forced))).word == "Running"


def test_a_worker_that_stands_still_has_the_reason_of_its_supervisor() -> None:
    idle, still = records.worker(NOW), records.worker(NOW, state="paused")

    assert worker_row(still, NOW, in_maintenance=True).state.word == "Maintenance mode"
    assert worker_row(still, NOW).state.word == "Paused"
    assert worker_row(idle, NOW, in_maintenance=True).state.word == "Ready"


def test_that_no_worker_lives_in_maintenance_mode_is_no_fault() -> None:
    still = records.master(NOW, supervisors=(records.supervisor(maintenance=True),))

    assert say(pulse(masters=(still,)), [])[0] == "warn"
    assert say(pulse(), [])[0] == "bad"
