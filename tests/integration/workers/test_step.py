from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from redis import Redis
from redis.exceptions import ConnectionError, ResponseError

from allegro_queue.connection import new_client
from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pauses import Pause
from allegro_queue.stores.run_record import decimal_of_us
from allegro_queue.stores.scripts import script
from allegro_queue.stores.steps import Finish, Finished, StepStore, Taken
from allegro_queue.tellings import verbatim
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.settling import settle
from allegro_queue.workers.waiting import WakefulInbox
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.runs import outcomes

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = "web-1.4121.abcd"
FIRST, SECOND = "1" * 32, "2" * 32


@pytest.fixture
def steps(redis: Redis, stores: Stores) -> Iterator[StepStore]:
    """The steps of one worker on two queues."""
    made = StepStore(redis, stores.keys, WORKER, ["high", "default"])
    yield made
    made.close()


def take(steps: StepStore, execution_id: str = FIRST) -> Taken:
    _, taken = steps.step(None, execution_id)
    assert taken is not None
    return taken


def finish(taken: Taken) -> Finish:
    """The job returned nothing, after 40 ms."""
    ended_us = time.time_ns() // 1000
    return Finish(
        held=taken.held,
        ended_us=ended_us,
        result_ttl=3600,
        has_dependencies=False,
        runtime_ms=40.0,
        started=decimal_of_us(taken.started_us),
        ended=decimal_of_us(ended_us),
        result=b"",
        run="noted",
    )


def test_a_step_sent_again_after_a_lost_reply_files_nothing_twice_and_hands_out_the_same_job(
    steps: StepStore, stores: Stores
):
    for _ in range(3):
        dispatch(jobs.nothing)
    ended = finish(take(steps))

    sent = steps.step(ended, SECOND)
    again = steps.step(ended, SECOND)

    assert (sent[0], again[0]) == (Finished.YES, Finished.NO)
    assert sent[1] is not None
    assert again[1] is not None
    assert sent[1].held == again[1].held
    assert stores.jobs.lengths(["default"]) == {"default": 1}
    assert len(stores.client.xrange("horizon:runs")) == 1


def test_a_step_that_arrives_after_a_later_one_takes_nothing(steps: StepStore, stores: Stores):
    dispatch(jobs.nothing)
    dispatch(jobs.nothing)
    held = take(steps, FIRST).held

    late = take(steps, SECOND)

    assert late.held == held
    assert stores.jobs.lengths(["default"]) == {"default": 1}


def test_a_worker_whose_job_was_settled_meanwhile_changes_nothing_by_finishing_it(steps: StepStore, stores: Stores):
    job_id = dispatch(jobs.nothing)
    ended = finish(take(steps))
    settle(stores, WORKER, host="web-1", pid=4121, reason=verbatim("showed no sign of life for 30 seconds"))

    answer = steps.step(ended, "")

    assert answer == (Finished.NO, None)
    assert stores.jobs.rows([job_id])[0].status == "failed"
    assert outcomes(stores.client) == ["lost"]


def test_a_worker_whose_job_was_settled_meanwhile_changes_nothing_by_failing_it(redis: Redis, stores: Stores):
    job_id = dispatch(jobs.fail)
    worker = make_worker(["default"], name=WORKER)
    assert worker is not None
    taken = worker.take()
    assert taken is not None
    settle(stores, WORKER, host="web-1", pid=4121, reason=verbatim("showed no sign of life for 30 seconds"))

    worker.run(taken)
    worker.steps.close()

    rows, _ = stores.jobs.page(State.FAILED, ["default"])
    assert [row.id for row in rows] == [job_id]
    assert "no sign of life" in rows[0].error
    assert outcomes(stores.client) == ["lost"]


def test_a_job_deleted_while_it_is_held_does_not_keep_the_worker_from_the_next(
    steps: StepStore, redis: Redis, stores: Stores
):
    gone = dispatch(jobs.nothing)
    next_one = dispatch(jobs.nothing)
    take(steps)
    redis.delete(f"rq:job:{gone}")

    taken = take(steps, SECOND)

    assert taken.held.job_id == next_one
    assert redis.zcard("rq:wip:default") == 1
    assert redis.scard(f"rq:worker:{WORKER}:executions") == 1


def test_a_key_that_is_no_job_is_passed_over(steps: StepStore, redis: Redis):
    redis.set("rq:job:text", "not a hash")
    redis.rpush("rq:queue:default", "text")
    job_id = dispatch(jobs.nothing)

    assert take(steps).held.job_id == job_id


def test_a_taken_job_is_started_and_registered_by_the_servers_clock(steps: StepStore, redis: Redis):
    job_id = dispatch(jobs.nothing)
    taken = take(steps)

    seconds, _ = redis.time()
    [(composite, score)] = redis.zrange("rq:wip:default", 0, -1, withscores=True)
    assert composite == f"{job_id}:{FIRST}".encode()
    assert 0 <= seconds + 120 - score <= 1
    assert redis.hget(f"rq:job:{job_id}", "status") == b"started"
    written = datetime.fromisoformat(redis.hget(f"rq:job:{job_id}", "started_at").decode())
    assert written.timestamp() == pytest.approx(taken.started_us / 1e6, abs=1e-6)


@pytest.mark.parametrize(
    "moment", ["2024-02-29T23:59:59.000001Z", "2027-01-01T00:00:00.999999Z", "1999-12-31T12:00:00.5Z"]
)
def test_scripts_write_times_as_rq_does(moment: str, redis: Redis):
    meant = datetime.fromisoformat(moment)
    text = redis.eval(
        script("moment") + "\nreturn moment(tonumber(ARGV[1]), tonumber(ARGV[2]))",
        0,
        int(meant.timestamp()),
        meant.microsecond,
    )

    assert datetime.fromisoformat(text.decode()) == meant
    assert len(text) == 27


def test_a_lease_is_renewed_while_the_job_runs_and_not_after(steps: StepStore, redis: Redis):
    dispatch(jobs.nothing)
    taken = take(steps)

    assert steps.renew(taken.held, 600)
    assert redis.ttl(f"rq:execution:{taken.held.job_id}:{FIRST}") > 590
    [(_, score)] = redis.zrange("rq:wip:default", 0, -1, withscores=True)
    assert score > time.time() + 590

    steps.step(finish(taken), "")
    assert not steps.renew(taken.held, 600)
    assert redis.keys("rq:execution:*") == []


def test_an_idle_worker_is_told_of_a_job_on_any_of_its_queues(steps: StepStore):
    for queue in ("default", "high"):
        look(steps)
        dispatch(jobs.nothing, options=JobOptions(queue=queue))

        eventually(steps.has_news, within=2)
        steps.step(finish(take(steps)), "")


def test_an_idle_worker_is_told_of_the_end_of_a_suspension_and_of_a_pause(
    steps: StepStore, redis: Redis, stores: Stores
):
    dispatch(jobs.nothing)
    redis.set("rq:suspended", 1)
    look(steps)
    redis.delete("rq:suspended")
    eventually(steps.has_news, within=2)

    stores.pauses.pause(Pause(queue="default", since=0))
    look(steps)
    stores.pauses.resume("default")
    eventually(steps.has_news, within=2)

    assert take(steps).held.queue == "default"


def look(steps: StepStore) -> None:
    """Find nothing to do, twice: the second look is watched, and old news have been heard by then."""
    for _ in range(2):
        assert steps.step(None, FIRST, watch=True)[1] is None
        steps.has_news()
    assert steps.is_told
    assert not steps.has_news()


def test_a_worker_on_a_server_that_cannot_tell_looks_by_itself(redis: Redis, stores: Stores):
    old = new_client()
    old.connection_pool.connection_kwargs["protocol"] = 2
    steps = StepStore(old, stores.keys, WORKER, ["default"])
    try:
        assert steps.step(None, FIRST, watch=True) == (Finished.NO, None)
        assert not steps.is_told
        job_id = dispatch(jobs.nothing)
        assert take(steps).held.job_id == job_id
    finally:
        steps.close()
        old.close()


def test_steps_go_on_over_a_new_connection_when_the_old_one_was_cut(steps: StepStore, redis: Redis):
    job_id = dispatch(jobs.nothing)
    ended = finish(take(steps))
    redis.client_kill_filter(_type="normal", skipme=True)

    with pytest.raises(ConnectionError):
        steps.step(ended, "")
    answer = steps.step(ended, "")

    assert answer == (Finished.YES, None)
    assert redis.hget(f"rq:job:{job_id}", "status") == b"finished"


def test_steps_go_on_when_the_server_has_forgotten_the_script(steps: StepStore, redis: Redis):
    job_id = dispatch(jobs.nothing)
    redis.script_flush()

    assert take(steps).held.job_id == job_id


def test_a_signal_ends_the_wait_for_news_at_once():
    read, write = os.pipe()
    try:
        with WakefulInbox() as inbox:
            timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR2))
            timer.start()
            began = time.monotonic()

            arrived = inbox.wait_beside(read, 20)

            timer.join()
            assert arrived == [signal.SIGUSR2]
            assert time.monotonic() - began < 5
            assert inbox.wait_beside(read, 0) == []
    finally:
        os.close(read)
        os.close(write)


def test_a_job_that_cannot_be_registered_stays_first_in_its_queue_and_in_nobodys_name(
    redis: Redis, steps: StepStore, stores: Stores
):
    first, second = dispatch(jobs.nothing), dispatch(jobs.nothing)
    redis.set("rq:wip:default", "not a sorted set")

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        steps.step(None, FIRST)

    assert [each.decode() for each in redis.lrange("rq:queue:default", 0, -1)] == [first, second]
    assert stores.reservations.of(WORKER) is None
