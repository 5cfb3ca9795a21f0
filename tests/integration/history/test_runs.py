"""The runs of one job, as they are read."""

from __future__ import annotations

import time

import pytest

from allegro_queue.history.runs import runs_of_job
from allegro_queue.stores import Stores
from tests.support.runs import collected, failed_record, run_record

NOW = time.time()


@pytest.mark.django_db
def test_the_runs_of_a_job_are_told_in_order_with_their_tracebacks(stores: Stores) -> None:
    collected(
        stores,
        failed_record(NOW, job_id="a", attempt=1, outcome="retried"),
        run_record(NOW + 1, job_id="a", attempt=2),
        run_record(NOW, job_id="b"),
    )

    first, second = runs_of_job("a")

    assert (first.attempt, first.outcome, second.outcome) == (1, "retried", "succeeded")
    assert "in pay" in first.traceback
    assert runs_of_job("nothing") == []
