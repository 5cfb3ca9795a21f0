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

    assert [(each.child, each.ending, each.expected) for each in departures] == [
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
    assert "2 in a row ended within 5 s of their start (the last ended with exit code 1)" in pool.trouble

    pool.tick(now=4.0)
    assert len(pool.children) == 1


def test_a_single_child_that_dies_early_is_no_trouble(pool: ProcessPool):
    pool.scale(1, now=0)
    pool.tick(now=0)
    pool.children[0].dies("was killed by signal 9 (SIGKILL)")

    pool.tick(now=0.5)

    assert pool.trouble == ""


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

    assert pool.trouble == ""


def test_a_child_that_leaves_early_of_its_own_will_is_no_trouble(pool: ProcessPool):
    pool.scale(1, now=0)
    pool.tick(now=0)
    pool.children[0].leaves()

    pool.tick(now=0.1)

    assert pool.trouble == ""
    assert len(pool.children) == 1


@pytest.mark.parametrize(("deaths", "seconds"), [(0, 0), (1, 1), (2, 2), (3, 4), (7, 60), (50, 60)])
def test_the_pause_doubles_up_to_a_minute(deaths: int, seconds: float):
    assert cool_down(deaths) == seconds
