from __future__ import annotations

from allegro_queue.stores.locks import Refusal
from allegro_queue.terms import Terms
from allegro_queue.workers.admission import OVERLAP_PAUSE, wait_after


def test_a_job_over_its_rate_waits_until_there_is_room_for_it_in_whole_seconds():
    terms = Terms(rate_key="mail", rate_limit=10, rate_seconds=60)

    wait = wait_after(terms, Refusal(free_at=1030.2), now=1000.0)

    assert (wait.until, wait.reason) == (1031, "'mail' is limited to 10 runs in 60 s")


def test_a_job_is_never_put_off_to_a_time_that_is_over():
    terms = Terms(rate_key="mail", rate_limit=10, rate_seconds=60)

    assert wait_after(terms, Refusal(free_at=999.0), now=1000.0).until == 1001


def test_a_job_that_would_overlap_looks_again_in_a_few_seconds():
    terms = Terms(overlap_key="member:42", overlap_seconds=60)

    wait = wait_after(terms, Refusal(holder="abc"), now=1000.5)

    assert 1000.5 + OVERLAP_PAUSE <= wait.until < 1001.5 + OVERLAP_PAUSE
    assert "another job works on 'member:42'" in wait.reason
