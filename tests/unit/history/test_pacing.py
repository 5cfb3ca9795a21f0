"""How long the collector rests: out of the way of busy workers, and never so long that it does not keep up."""

from __future__ import annotations

import pytest

from allegro_queue.history.pacing import LATE, LONGEST_REST, REST, rest_after

BATCH = 1_000


def rest(**given: float) -> float:
    """After a whole batch of 0.1 s, with busy workers and little behind."""
    usual = {"is_whole": True, "took": 0.1, "growth": 3_000.0, "behind": 1_000, "behind_seconds": 0.5, "room": 50_000}
    return rest_after(**{**usual, **given})  # type: ignore[arg-type]


def test_it_waits_for_more_when_there_was_less_than_a_batch() -> None:
    assert rest(is_whole=False) == REST
    assert rest(is_whole=False, behind=50_000, behind_seconds=100) == REST


def test_it_goes_on_at_once_when_workers_have_little_to_do() -> None:
    assert rest(growth=0) == rest(growth=100) == 0


def test_it_rests_longer_than_it_works_while_workers_are_busy() -> None:
    assert 0.7 < rest() <= 0.8
    assert rest(took=5) == LONGEST_REST


@pytest.mark.parametrize("late", [{"behind_seconds": LATE}, {"behind": 50_000}, {"behind": 500, "room": 0}])
def test_it_does_not_rest_when_it_is_far_behind(late: dict[str, float]) -> None:
    assert rest(**late) == 0


@pytest.mark.parametrize(("arriving", "capacity"), [(1_000, 6_000), (3_000, 6_000), (5_000, 6_000)])
def test_it_keeps_up_with_what_it_can_keep_up_with(arriving: int, capacity: int) -> None:
    now, written, furthest = 0.0, 0, 0.0
    took = BATCH / capacity
    while now < 300:
        waiting = arriving * now - written
        if waiting < BATCH:
            now += REST
            continue
        now, written = now + took, written + BATCH
        behind = max(int(arriving * now - written), 0)
        furthest = max(furthest, behind / arriving)
        now += rest(took=took, growth=arriving, behind=behind, behind_seconds=behind / arriving)

    assert furthest < LATE
    assert furthest * arriving < 50_000


def test_under_load_it_works_little_of_the_time_for_as_long_as_it_may_fall_behind() -> None:
    worked, now, written = 0.0, 0.0, 0
    while now < 5:
        now, worked, written = now + 0.2, worked + 0.2, written + BATCH
        behind = max(int(3_000 * now - written), 0)
        now += rest(took=0.2, behind=behind, behind_seconds=behind / 3_000)

    assert worked / now < 0.15
