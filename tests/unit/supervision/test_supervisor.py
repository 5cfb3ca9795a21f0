from __future__ import annotations

from typing import Any

from allegro_queue.stores.workload import Workload
from allegro_queue.supervision.supervisor import Supervisor
from allegro_queue.supervisor_options import SupervisorOptions
from tests.support import records
from tests.support.children import FakeChild


class Crew:
    """A supervisor over children that are none; knows for which queues each was started."""

    def __init__(self, **given: Any) -> None:
        self.born: list[tuple[tuple[str, ...], FakeChild]] = []
        self.supervisor = Supervisor(SupervisorOptions(**{"name": "one", "queue": ("a", "b"), **given}), self.spawn)
        self.supervisor.start(0)
        self.supervisor.tick(0)

    def spawn(self, queues: tuple[str, ...], now: float) -> FakeChild:
        child = FakeChild(now)
        self.born.append((queues, child))
        return child

    def scale(self, now: float, busy: tuple[str, ...] = (), **waiting: int) -> None:
        work = {queue: Workload(waiting=waiting.get(queue, 0), running=0) for queue in ("a", "b")}
        workers = [records.worker(now, name=name, job_id="job", job_queue="elsewhere") for name in busy]
        self.supervisor.scale(work, workers, now)

    def sizes(self) -> dict[str, int]:
        return {",".join(each.queue): each.workers for each in self.supervisor.record().pools}


def test_it_starts_with_the_fewest_and_grows_in_the_same_pass_as_work_is_seen():
    crew = Crew(max_processes=5)
    assert crew.sizes() == {"a,b": 1}

    crew.scale(now=1, a=2, b=1)

    assert crew.sizes() == {"a,b": 3}
    record = crew.supervisor.record()
    assert (record.min_processes, record.max_processes, record.wanted) == (1, 5, 3)
    assert record.explanation == "grew 1 → 3: 3 waiting"
    assert record.scaled_at > 0


def test_idle_workers_leave_before_busy_ones_which_may_take_as_long_as_they_need():
    crew = Crew(max_processes=3, scale_down_after=10, grace=5)
    crew.scale(now=1, a=3)
    first, second, third = (child for _, child in crew.born)

    crew.scale(now=12, busy=(third.name, second.name))

    assert [child.received for child in (first, second, third)] == [["SIGTERM"], [], ["SIGTERM"]]
    first.leaves()
    crew.supervisor.tick(1000)
    assert third.received == ["SIGTERM"]
    crew.supervisor.leave(1000)
    crew.supervisor.tick(1005)
    assert third.received == ["SIGTERM", "SIGKILL"]


def test_with_those_that_still_finish_a_job_there_are_never_more_than_the_most():
    crew = Crew(balance="auto", max_processes=4, balance_max_shift=3)
    crew.scale(now=1, a=10)
    assert crew.sizes() == {"a": 3, "b": 1}
    old = [child for queues, child in crew.born if queues == ("a",)]

    crew.scale(now=10, b=10, busy=tuple(child.name for child in old))
    assert crew.sizes() == {"a": 1, "b": 1}
    assert len(crew.supervisor.leaving) == 2

    for child in old:
        if child.received:
            child.leaves()
    crew.supervisor.tick(11)
    assert crew.sizes() == {"a": 1, "b": 3}


def test_auto_waits_for_the_cooldown_between_two_steps():
    crew = Crew(balance="auto", max_processes=10, balance_cooldown=3)

    crew.scale(now=1, a=10)
    crew.scale(now=3.9, a=10)
    assert crew.sizes() == {"a": 2, "b": 1}

    crew.scale(now=4, a=10)
    assert crew.sizes() == {"a": 3, "b": 1}
    assert crew.supervisor.record().explanation == "a grew 2 → 3: 100% of the work by time, 10 waiting"


def test_a_worker_of_a_balanced_supervisor_listens_to_one_queue():
    crew = Crew(balance="simple", max_processes=3)

    assert sorted(queues for queues, _ in crew.born) == [("a",), ("a",), ("b",)]
    crew.scale(now=5, b=100)
    assert crew.sizes() == {"a": 2, "b": 1}


def test_a_restart_leaves_no_gap():
    crew = Crew(max_processes=2)
    crew.scale(now=1, a=2)

    crew.supervisor.restart(2)
    crew.supervisor.tick(2)

    assert crew.sizes() == {"a,b": 2}
    assert len(crew.supervisor.leaving) == 2


def test_a_paused_supervisor_neither_grows_nor_replaces_anybody():
    crew = Crew(max_processes=5)
    crew.supervisor.pause(by="anna", reason="maintenance")
    crew.born[0][1].dies()

    crew.scale(now=1, a=9)
    crew.supervisor.tick(1)

    assert crew.sizes() == {"a,b": 0}
    record = crew.supervisor.record()
    assert (record.status, record.pause_by, record.pause_reason) == ("paused", "anna", "maintenance")


def test_a_pause_can_end_by_itself():
    crew = Crew()
    crew.supervisor.pause(reason="maintenance", until=60)

    crew.supervisor.tick(59)
    assert crew.supervisor.is_paused
    crew.supervisor.tick(60)

    assert crew.supervisor.record().status == "running"
    assert crew.supervisor.record().pause_reason == ""
    assert crew.born[0][1].received[-1] == "SIGCONT"


def test_maintenance_mode_and_a_pause_each_hold_it_until_both_are_over():
    crew = Crew()
    child = crew.born[0][1]

    crew.supervisor.follow_maintenance(True)
    assert child.received == ["SIGUSR2"]
    crew.supervisor.pause(by="anna")
    crew.supervisor.follow_maintenance(False)
    assert child.received[-1] == "SIGUSR2"
    assert (crew.supervisor.is_held, crew.supervisor.record().maintenance) == (True, False)

    crew.supervisor.follow_maintenance(True)
    crew.supervisor.resume()
    assert child.received[-1] == "SIGUSR2"
    assert (crew.supervisor.record().status, crew.supervisor.record().maintenance) == ("running", True)

    crew.supervisor.follow_maintenance(False)
    assert child.received[-1] == "SIGCONT"


def test_in_maintenance_mode_it_neither_grows_nor_replaces_anybody_and_is_not_held_by_anybody():
    crew = Crew(max_processes=5)
    crew.supervisor.follow_maintenance(True)

    crew.scale(now=1, a=5)
    crew.born[0][1].leaves()
    crew.supervisor.tick(2)
    assert len(crew.born) == 1
    assert not crew.supervisor.is_held

    crew.supervisor.follow_maintenance(False)
    crew.supervisor.tick(3)
    crew.scale(now=3, a=5)
    assert crew.sizes() == {"a,b": 5}


def test_maintenance_mode_is_said_again_at_each_pass_and_to_none_that_leaves():
    crew = Crew()
    crew.supervisor.follow_maintenance(True)
    crew.supervisor.tick(1)
    assert crew.born[0][1].received == ["SIGUSR2", "SIGUSR2"]

    crew.supervisor.leave(2)
    crew.supervisor.tick(2)

    assert crew.born[0][1].received[2:] == ["SIGTERM"]
    assert not crew.supervisor.stands_still


def test_a_supervisor_with_force_goes_on_in_maintenance_mode():
    crew = Crew(force=True)

    for each in (None, True):
        crew.supervisor.follow_maintenance(each)
        crew.supervisor.tick(1)

    assert crew.born[0][1].received == []
    assert not crew.supervisor.record().maintenance


def test_while_nobody_knows_of_maintenance_none_is_started_and_none_is_said_to_be():
    crew = Crew(max_processes=5)
    crew.supervisor.follow_maintenance(None)

    crew.born[0][1].leaves()
    crew.supervisor.tick(1)
    crew.scale(now=1, a=5)
    assert len(crew.born) == 1
    assert not crew.supervisor.record().maintenance

    crew.supervisor.follow_maintenance(False)
    crew.supervisor.tick(2)
    assert len(crew.born) == 2
