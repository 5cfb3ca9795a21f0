from __future__ import annotations

import pytest

from allegro_queue.supervision.pool import ProcessPool, cool_down
from tests.support.children import FakeChild


@pytest.fixture
def pool() -> ProcessPool:
    return ProcessPool(FakeChild, grace=60)


def test_the_wanted_number_is_started(pool: ProcessPool):
    pool.scale(3, now=0)
    pool.tick(now=0)

    assert len(pool.children) == 3


def test_a_child_that_dies_is_replaced_in_the_same_pass(pool: ProcessPool):
    pool.scale(2, now=0)
    pool.tick(now=0)
    dead = pool.children[0]
    dead.dies("was killed by signal 9 (SIGKILL)")

    departures = pool.tick(now=100)

    assert [(each.child, str(each.ending), each.expected) for each in departures] == [
        (dead, "was killed by signal 9 (SIGKILL)", False)
    ]
    assert len(pool.children) == 2
    assert dead not in pool.children


def test_a_child_told_to_leave_is_killed_only_after_its_grace(pool: ProcessPool):
    pool.scale(1, now=0)
    pool.tick(now=0)
    child = pool.children[0]

    pool.scale(0, now=10)
    pool.tick(now=69)
    assert child.received == ["SIGTERM"]

    pool.tick(now=70)
    assert child.received == ["SIGTERM", "SIGKILL"]
    assert not pool.is_empty

    child.dies("was killed by signal 9 (SIGKILL)")
    pool.tick(now=71)
    assert pool.is_empty


def test_one_child_that_is_dismissed_gets_its_grace_and_is_replaced_at_once(pool: ProcessPool):
    pool.scale(2, now=0)
    pool.tick(now=0)
    stays, goes = pool.children

    assert pool.dismiss(goes.name, now=10)
    pool.tick(now=10)

    assert (stays.received, goes.received) == ([], ["SIGTERM"])
    assert len(pool.children) == 2
    assert goes not in pool.children
    pool.tick(now=70)
    assert goes.received == ["SIGTERM", "SIGKILL"]


@pytest.mark.parametrize("is_leaving", [False, True])
def test_one_child_that_is_killed_ends_at_once_and_its_death_holds_nobody_back(pool: ProcessPool, is_leaving: bool):
    pool.scale(1, now=0)
    pool.tick(now=0)
    child = pool.children[0]
    if is_leaving:
        pool.dismiss(child.name, now=0)

    assert pool.kill(child.name, now=1)
    assert child.received[-1] == "SIGKILL"
    child.dies("was killed by signal 9 (SIGKILL)")
    departures = pool.tick(now=1)

    assert [(each.child, each.expected) for each in departures] == [(child, True)]
    assert len(pool.children) == 1
    assert pool.trouble is None


def test_a_child_of_another_pool_is_nobodys(pool: ProcessPool):
    pool.scale(1, now=0)
    pool.tick(now=0)

    assert not pool.dismiss("another", now=1)
    assert not pool.kill("another", now=1)
    assert pool.children[0].received == []


def test_a_restart_starts_fresh_children_while_the_old_ones_finish(pool: ProcessPool):
    pool.scale(2, now=0)
    pool.tick(now=0)
    old = list(pool.children)

    pool.restart(now=10)
    pool.tick(now=10)

    assert [child.received for child in old] == [["SIGTERM"], ["SIGTERM"]]
    assert len(pool.children) == 2
    assert not set(map(id, pool.children)) & set(map(id, old))


def test_children_that_die_at_once_are_started_ever_more_slowly(pool: ProcessPool):
    pool.scale(1, now=0)
    pool.tick(now=0)
    pool.children[0].dies()

    pool.tick(now=0.5)
    assert pool.children == []

    pool.tick(now=1.5)
    pool.children[0].dies()
    pool.tick(now=2.0)
    pool.tick(now=3.9)
    assert pool.children == []
    assert "2 in a row ended within 5 s of their start (the last ended with exit code 1)" in str(pool.trouble)

    pool.tick(now=4.0)
    assert len(pool.children) == 1


def test_a_single_child_that_dies_early_is_no_trouble(pool: ProcessPool):
    pool.scale(1, now=0)
    pool.tick(now=0)
    pool.children[0].dies("was killed by signal 9 (SIGKILL)")

    pool.tick(now=0.5)

    assert pool.trouble is None


def test_a_child_that_stays_alive_ends_the_trouble(pool: ProcessPool):
    pool.scale(1, now=0)
    pool.tick(now=0)
    pool.children[0].dies()
    pool.tick(now=0.5)
    pool.tick(now=1.5)
    pool.children[0].dies()
    pool.tick(now=2)
    pool.tick(now=4)
    assert pool.trouble

    pool.tick(now=10)

    assert pool.trouble is None


def test_a_child_that_leaves_early_of_its_own_will_is_no_trouble(pool: ProcessPool):
    pool.scale(1, now=0)
    pool.tick(now=0)
    pool.children[0].leaves()

    pool.tick(now=0.1)

    assert pool.trouble is None
    assert len(pool.children) == 1


@pytest.mark.parametrize(("deaths", "seconds"), [(0, 0), (1, 1), (2, 2), (3, 4), (7, 60), (50, 60)])
def test_the_pause_doubles_up_to_a_minute(deaths: int, seconds: float):
    assert cool_down(deaths) == seconds


def test_a_process_that_the_system_does_not_give_is_tried_again_ever_later():
    tries: list[float] = []

    def spawn(now: float) -> FakeChild:
        tries.append(now)
        if len(tries) < 4:
            raise BlockingIOError("Resource temporarily unavailable")
        return FakeChild(now)

    pool = ProcessPool(spawn, grace=60)
    pool.scale(1, now=0)
    for now in range(8):
        pool.tick(now)
        if now == 3:
            assert str(pool.trouble).startswith("a process could not be started (Resource temporarily unavailable)")

    assert tries == [0, 1, 3, 7]
    assert pool.trouble is None
    assert len(pool.children) == 1


def test_a_child_that_was_there_before_does_not_hide_that_new_ones_die():
    born: list[FakeChild] = []

    def spawn(now: float) -> FakeChild:
        born.append(FakeChild(now))
        if len(born) > 1:
            born[-1].dies()
        return born[-1]

    pool = ProcessPool(spawn, grace=60)
    pool.scale(1, now=0)
    pool.tick(now=0)
    pool.scale(2, now=10)
    for now in range(10, 41):
        pool.tick(now)

    assert len(born) <= 7
    assert "in a row ended within 5 s" in str(pool.trouble)


def test_those_that_are_hurried_get_quit_and_a_moment(pool: ProcessPool):
    pool.scale(1, now=0)
    pool.tick(now=0)
    child = pool.children[0]
    pool.scale(0, now=1)

    pool.hurry(now=2)
    pool.tick(now=6.9)
    assert child.received == ["SIGTERM", "SIGQUIT"]  # type: ignore[attr-defined]
    pool.tick(now=7.1)
    assert child.received[-1] == "SIGKILL"  # type: ignore[attr-defined]
