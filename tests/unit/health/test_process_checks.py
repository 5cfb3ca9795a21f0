from __future__ import annotations

from dataclasses import replace

import pytest

from allegro_queue.health.check import Check, Result
from allegro_queue.health.process_checks import check_processes
from allegro_queue.stores.pauses import Pause
from allegro_queue.stores.pulse import Pulse, QueuePulse
from tests.support import records

NOW = 1_764_000_000.0


def queue(name: str) -> QueuePulse:
    return QueuePulse(name=name, waiting=0, oldest_at=None, running=0, failed=0)


def well() -> Pulse:
    return Pulse(
        at=NOW,
        queues=(queue("high"), queue("default"), queue("audience-sync")),
        masters=(records.master(NOW),),
        workers=(records.worker(NOW),),
        pauses={},
        scheduler=records.scheduler(NOW),
        last_snapshot_at=NOW - 60,
    )


def eleven_minutes(taken_at: float) -> float:
    return taken_at + 11 * 60


def found(pulse: Pulse, name: str) -> Check:
    return next(
        each
        for each in check_processes(
            pulse, snapshot_too_old_from=eleven_minutes, has_schedule=True, keeper="web-1, pid 7"
        )
        if each.name == name
    )


def test_a_system_at_work_is_well():
    troubled = [
        each
        for each in check_processes(
            well(), snapshot_too_old_from=eleven_minutes, has_schedule=True, keeper="web-1, pid 7"
        )
        if each.result is not Result.WELL
    ]

    assert troubled == []


def test_a_maintenance_function_that_does_not_answer_is_something_to_look_at():
    silent = records.master(NOW, maintenance_silent_since=NOW - 40)

    check = found(replace(well(), masters=(silent, records.master(NOW, host="web-2"))), "Maintenance mode")

    assert check.result is Result.LOOK
    assert check.found == 'HORIZON["maintenance"] has not answered on web-1 for 40 s; its last answer holds'


def test_without_master_and_worker_jobs_are_at_risk():
    pulse = replace(well(), masters=(), workers=())

    assert found(pulse, "Horizon").result is Result.RISK
    assert found(pulse, "Workers for each queue").found == "nobody listens to high, default, audience-sync"
    assert found(pulse, "Workers for each queue").command == "python manage.py rqworker high default audience-sync"


def test_workers_started_by_hand_are_worth_a_look():
    assert found(replace(well(), masters=()), "Horizon").result is Result.LOOK


def test_a_supervisor_in_trouble_is_named_with_its_reason():
    master = records.master(NOW)
    troubled = replace(master.supervisors[0], trouble="its workers die at once.")
    pulse = replace(well(), masters=(replace(master, supervisors=(troubled,)),))

    check = found(pulse, "Supervisors")

    assert check.result is Result.RISK
    assert check.found.endswith("its workers die at once")


def test_a_supervisor_in_maintenance_mode_misses_no_worker():
    master = records.master(NOW)
    bare = replace(master.supervisors[0], workers=())
    pulse = replace(well(), masters=(replace(master, supervisors=(bare,)),))
    still = replace(well(), masters=(replace(master, supervisors=(replace(bare, maintenance=True),)),), workers=())

    assert found(pulse, "Supervisors").result is Result.LOOK
    assert found(still, "Supervisors").result is Result.WELL
    assert found(still, "Workers for each queue").result is Result.WELL


def test_two_versions_side_by_side_are_worth_a_look():
    pulse = replace(well(), workers=(replace(records.worker(NOW), version="older"),))

    assert found(pulse, "Code versions").result is Result.LOOK
    assert "side by side" in found(pulse, "Code versions").found


def test_a_stopped_scheduler_is_a_risk_only_where_there_is_a_schedule():
    pulse = replace(well(), scheduler=None)

    assert found(pulse, "Scheduler").result is Result.RISK
    assert "Scheduler" not in {
        each.name
        for each in check_processes(pulse, snapshot_too_old_from=eleven_minutes, has_schedule=False, keeper=None)
    }


def test_a_pause_is_worth_a_look_and_no_missing_worker():
    pause = Pause(queue="default", since=NOW, until=None, by="ada", reason="deploy")
    pulse = replace(well(), pauses={"default": pause}, workers=())

    assert found(pulse, "Pauses").found == "paused: default"
    assert "default" not in found(pulse, "Workers for each queue").found


@pytest.mark.parametrize(
    ("age", "result"), [(60.0, Result.WELL), (20 * 60.0, Result.LOOK), (None, Result.LOOK)], ids=str
)
def test_a_stale_snapshot_is_worth_a_look(age: float | None, result: Result):
    pulse = replace(well(), last_snapshot_at=NOW - age if age is not None else None)

    master = replace(records.master(NOW), started_at=NOW - 3600)
    assert found(replace(pulse, masters=(master,)), "Snapshot").result is result


def test_it_is_said_when_nobody_keeps_the_alerts():
    check = next(
        each
        for each in check_processes(well(), snapshot_too_old_from=eleven_minutes, has_schedule=True, keeper=None)
        if each.name == "Alerts"
    )

    assert check.result is Result.LOOK
    assert check.command == "python manage.py horizon_alerts watch"
