from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.stores.workload import Workload
from allegro_queue.supervision.scaling import (
    Decision,
    Peak,
    PoolLoad,
    load_of,
    own_part,
    scale_to_demand,
    share_by_work,
    split_evenly,
)
from allegro_queue.supervisor_options import SupervisorOptions


def options(**given: Any) -> SupervisorOptions:
    return SupervisorOptions(**{"name": "one", "queue": ("first", "second"), **given})


def load(processes: int, waiting: int = 0, runtime_ms: float | None = None, running: int = 0) -> PoolLoad:
    return PoolLoad(processes=processes, waiting=waiting, running=running, runtime_ms=runtime_ms)


@pytest.mark.parametrize(
    ("given", "peak", "processes", "explanation"),
    [
        (load(1), 0, 1, ""),
        (load(1, waiting=312), 312, 4, "grew 1 → 4: 312 waiting"),
        (load(1, waiting=1, running=1), 2, 2, "grew 1 → 2: 1 waiting, 1 running"),
        (load(2, running=2), 2, 2, ""),
        (load(4, waiting=9), 9, 4, ""),
        (load(4), 4, 4, ""),
        (load(4), 1, 1, "shrank 4 → 1: at most 1 job at a time for 60 s"),
        (load(4, running=2), 3, 3, "shrank 4 → 3: at most 3 jobs at a time for 60 s"),
        (load(4), 0, 1, "shrank 4 → 1: idle for 60 s"),
    ],
)
def test_a_pool_in_strict_order_grows_at_once_and_shrinks_after_a_quiet_time(
    given: PoolLoad, peak: int, processes: int, explanation: str
):
    decision = scale_to_demand(given, peak, options(max_processes=4))

    assert (decision.processes, str(decision.explanation or "")) == (processes, explanation)


def test_the_fewest_workers_stay_when_there_is_nothing_to_do():
    assert scale_to_demand(load(5), 0, options(min_processes=2, max_processes=5)).processes == 2
    assert scale_to_demand(load(0), 0, options(min_processes=2, max_processes=5)).processes == 2


def test_a_peak_is_forgotten_when_it_is_old_enough():
    peak = Peak(60)

    assert peak.note(5, now=0) == 5
    assert peak.note(2, now=30) == 5
    assert peak.note(0, now=59.9) == 5
    assert peak.note(0, now=60) == 2
    assert peak.note(0, now=89.9) == 2
    assert peak.note(0, now=90) == 0
    assert peak.note(7, now=91) == 7


@pytest.mark.parametrize(("most", "sizes"), [(10, [5, 5]), (11, [6, 5]), (2, [1, 1])])
def test_simple_gives_every_queue_the_same_whatever_waits(most: int, sizes: list[int]):
    assert [each.processes for each in split_evenly([0, 0], options(balance="simple", max_processes=most))] == sizes


def test_an_even_split_says_what_it_split():
    (first, second) = split_evenly([1, 5], options(balance="simple", max_processes=10))

    assert str(first.explanation) == "grew 1 → 5: an even share of 10 over 2 queues"
    assert second == Decision(processes=5)


HORIZONS_EXAMPLES = [
    pytest.param(
        {"max_processes": 20},
        [load(10, 20, 10), load(10, 10, 10)],
        [[11, 9], [12, 8], [13, 7], [13, 7]],
        id="steps get closer to the balance and stay there",
    ),
    pytest.param(
        {"max_processes": 10},
        [load(5), load(5)],
        [[4, 4], [3, 3], [2, 2], [1, 1], [1, 1]],
        id="idle queues shrink alike",
    ),
    pytest.param(
        {"max_processes": 10},
        [load(1, 50, 50), load(1, 0, 0)],
        [[2, 1], [3, 1], [4, 1], [5, 1], [6, 1], [7, 1], [8, 1], [9, 1], [9, 1]],
        id="a busy queue gets all but the fewest of the idle one",
    ),
    pytest.param(
        {"max_processes": 20},
        [load(10, 100, 50), load(10, 100, 50)],
        [[10, 10], [10, 10]],
        id="the most are never exceeded under high load",
    ),
    pytest.param(
        {"max_processes": 5, "min_processes": 2},
        [load(3, 1000, 50), load(2, 1, 1)],
        [[3, 2], [3, 2]],
        id="the fewest are kept beside a loaded queue",
    ),
    pytest.param(
        {"max_processes": 150, "balance_max_shift": 10},
        [load(75, 600, 75), load(75, 300, 75)],
        [[85, 65], [95, 55], [100, 50], [100, 50]],
        id="a larger shift makes larger steps, and the last as small as is needed",
    ),
    pytest.param(
        {"max_processes": 100, "auto_scaling_strategy": "size"},
        [load(50, 1000, 10), load(50, 500, 1000)],
        [[51, 49], [52, 48]],
        id="by size the longer queue gets more, however long its jobs take",
    ),
    pytest.param(
        {"max_processes": 100},
        [load(50, 1000, 10), load(50, 500, 1000)],
        [[49, 51], [48, 52]],
        id="by time the slower queue gets more, however short it is",
    ),
    pytest.param(
        {"max_processes": 5},
        [load(4)],
        [[3], [2], [1], [1]],
        id="a single empty queue goes down to the fewest",
    ),
]


@pytest.mark.parametrize(("given", "loads", "steps"), HORIZONS_EXAMPLES)
def test_auto_steps_as_horizon_does(given: dict[str, Any], loads: list[PoolLoad], steps: list[list[int]]):
    sizes = []
    for _ in steps:
        decisions = share_by_work(loads, options(balance="auto", **given))
        loads = [replace(each, processes=made.processes) for each, made in zip(loads, decisions, strict=True)]
        sizes.append([each.processes for each in decisions])

    assert sizes == steps


def test_queues_that_were_not_measured_are_taken_to_be_like_the_others():
    loads = [load(1, 30), load(1, 10), load(1, 0, 0)]
    for _ in range(20):
        decisions = share_by_work(loads, options(balance="auto", max_processes=12))
        loads = [replace(each, processes=made.processes) for each, made in zip(loads, decisions, strict=True)]

    assert [each.processes for each in loads] == [8, 3, 1]


def test_a_running_job_counts_as_work():
    loads = [load(2, running=2, runtime_ms=10), load(2, 0, 10)]

    decisions = share_by_work(loads, options(balance="auto", max_processes=4))

    assert [each.processes for each in decisions] == [3, 1]


def test_a_step_says_what_it_is_for():
    loads = [load(1, 300, 20), load(4, 50, 40, running=50), load(3)]

    decisions = share_by_work(loads, options(balance="auto", max_processes=10))

    assert [str(each.explanation) for each in decisions] == [
        "grew 1 → 2: 60% of the work by time, 300 waiting",
        "None",
        "shrank 3 → 2: nothing to do",
    ]


def worker(name: str, queue: str, job: str = "job") -> WorkerRecord:
    return WorkerRecord(
        name=name, host="h", pid=1, master="m", supervisor="s", queues=(queue,), state="busy", started_at=0,
        beat_at=0, done=0, failed=0, job_id=job, job_queue=queue,
    )  # fmt: skip


def test_jobs_that_others_run_are_not_ones_own():
    workload = {"first": Workload(waiting=3, running=4), "second": Workload(waiting=0, running=0)}
    workers = [worker("mine", "first"), worker("theirs", "first"), worker("other", "second"), worker("idle", "x", "")]

    own = own_part(workload, workers, {"mine"})

    assert own == {"first": Workload(waiting=3, running=3), "second": Workload(waiting=0, running=0)}


def test_the_load_of_several_queues_is_their_sum():
    workload = {
        "first": Workload(waiting=3, running=1, runtime_ms=10),
        "second": Workload(waiting=2, running=0, runtime_ms=None),
        "third": Workload(waiting=9, running=9),
    }

    assert load_of(("first", "second"), 4, workload) == load(4, waiting=5, runtime_ms=10, running=1)
