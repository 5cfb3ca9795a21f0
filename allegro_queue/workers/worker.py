"""The worker: runs jobs in this process, one after the other. Filing one and taking the next is a single step."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType
from typing import Any, NamedTuple

from redis.client import PubSub, PubSubWorkerThread
from redis.exceptions import RedisError
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.utils import utcformat
from rq.worker import DequeueStrategy

import allegro_queue
from allegro_queue import tracing
from allegro_queue.begun import Begun
from allegro_queue.connection import new_client
from allegro_queue.inbox import LEAVE
from allegro_queue.stores import open_stores
from allegro_queue.stores.replies import text
from allegro_queue.stores.steps import MILLION, Finish, Finished, StepStore, Taken
from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.workers.admission import is_put_off
from allegro_queue.workers.filing import FilingWorker, will_pass
from allegro_queue.workers.heartbeat import Heartbeat, memory_bytes
from allegro_queue.workers.holding import asks_for_something, for_its_tenant, prolong_locks, terms_of
from allegro_queue.workers.hygiene import forget_state, in_clean_state
from allegro_queue.workers.isolation import run_isolated
from allegro_queue.workers.plain import finish_of, is_plain, saved_values
from allegro_queue.workers.quarantine import quarantine
from allegro_queue.workers.recorder import name_of
from allegro_queue.workers.recycling import NO_LIMITS, Share, reason_to_leave
from allegro_queue.workers.sweeping import Sweeper
from allegro_queue.workers.taken_job import JobBuilder
from allegro_queue.workers.time_limit import TimeLimit, interrupt
from allegro_queue.workers.tokens import Tokens
from allegro_queue.workers.waiting import WakefulInbox

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
"""How often an idle worker looks for work, when the server cannot tell it (RESP2)."""

TOLD_SECONDS = 1.0
"""How often it looks when the server tells: for what nobody tells of, such as a pause that ends by itself."""

RQ_BEAT_SECONDS = 30.0
SWEEP_SECONDS = 30.0
LEAVE_WITHOUT_REDIS_SECONDS = 15.0


class Doing(NamedTuple):
    """What the worker is at, for its record."""

    state: str = "starting"
    job_id: str = ""
    job_name: str = ""
    job_queue: str = ""
    job_started_at: float = 0.0
    job_timeout: int = 0


class Attempt(NamedTuple):
    """A job that this worker runs."""

    taken: Taken
    job: Job
    queue: Queue
    execution: Execution
    began: float
    """By the clock that never jumps (``time.perf_counter``)."""

    def ended_us(self) -> int:
        """Now, on the clock that says when the job started: microseconds of the server's Unix time."""
        return self.taken.started_us + int((time.perf_counter() - self.began) * MILLION)


class HorizonWorker(FilingWorker):
    """A long-lived worker process. Signals are noted and acted on between jobs; a running job is never interrupted
    but by its time limit, a request to stop it, or a second signal to leave."""

    death_penalty_class = TimeLimit
    begun: Begun | None = None
    """Memory shared with the parent, if there is one that looks there."""
    master = ""
    isolated_queues: frozenset[str] = frozenset()
    """Queues whose jobs each run in a process of their own, whoever queued them."""

    share: Share = NO_LIMITS
    """How much it does before a fresh worker takes its place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doing = Doing()
        self.done = self.failed = 0
        self.inbox = WakefulInbox()
        self.steps = StepStore(
            self.connection, self.stores.keys, self.name, self.queue_names(), runs_kept=self.stores.runs.kept
        )
        self._builder = JobBuilder(self.job_class, self.connection)
        self._queue_by_name = {each.name: each for each in self.queues}
        self._tokens = Tokens()
        self._paused = False
        self._told_at: float | None = None
        """When the first signal to leave came, perhaps in the middle of a job."""
        self._leave_at: float | None = None
        """When the loop heard of it."""
        self._heartbeat: Heartbeat | None = None
        self._attempt: Attempt | None = None
        """The job that runs, or has run and waits for the next step."""
        self._started_at = time.time()
        self._born = time.monotonic()
        self.reason_to_leave = ""
        """Why it leaves of its own will, in words, once it does."""

    def work(
        self,
        burst: bool = False,
        logging_level: str | None = None,
        date_format: str = "",
        log_format: str = "",
        max_jobs: int | None = None,
        max_idle_time: int | None = None,
        with_scheduler: bool = False,
        dequeue_strategy: DequeueStrategy = DequeueStrategy.DEFAULT,
    ) -> bool:
        """Work until told to leave; whether any job was run.

        Args:
            burst: leave when there is nothing to do.
            max_jobs: leave after so many jobs.
            max_idle_time: leave after so many seconds without a job.
            with_scheduler: run RQ's own scheduler beside. ``manage.py rqscheduler`` does its work and more.

        Raises:
            ValueError: another strategy than strict order is asked for.
        """
        if dequeue_strategy != DequeueStrategy.DEFAULT:
            raise ValueError(f"dequeue_strategy is {dequeue_strategy!r}; this worker only takes in strict order.")
        if max_jobs is not None:
            self.share = replace(self.share, max_jobs=max_jobs)
        beats = open_stores(new_client())
        self._heartbeat = Heartbeat(beats.workers, self.record, self.extend_lease)
        forget_state()
        with self.inbox:
            self._catch_second_signal()
            try:
                self.patiently(self.be_born)
                self.patiently(lambda: self.stores.workers.write(self.record()))
                if with_scheduler:
                    self._start_scheduler(burst)
                with self._heartbeat:
                    self.patiently(self.subscribe)
                    log.info("worker started name=%s queues=%s", self.name, ",".join(self.queue_names()))
                    return self._loop(burst, max_idle_time) > 0
            except StopRequested:
                return self.done + self.failed > 0
            finally:
                self._take_leave()
                beats.client.close()

    def be_born(self) -> None:
        """Register with RQ; also again after a lost reply, when RQ takes this very worker for another of its name.

        Raises:
            ValueError: another one has the name.
        """
        try:
            self.register_birth()
        except ValueError:
            born = self.connection.hget(self.key, "birth")
            if self.birth_date is None or born is None or text(born) != utcformat(self.birth_date):
                raise

    def _loop(self, burst: bool, max_idle_time: int | None) -> int:
        """Jobs run until it is time to leave."""
        count = 0
        finish: Finish | None = None
        idle = False
        idle_since = time.monotonic()
        while True:
            self.look_into_inbox(0)
            leaving = self._leave_at is not None or (self.share.is_limited and self.has_done_its_share(count))
            if leaving and finish is None:
                return count
            taken = self.step(finish, take=not (leaving or self._paused), watch=idle)
            finish = None
            if taken is not None:
                finish = self.run(taken)
                count += 1
                idle = False
                idle_since = time.monotonic()
                continue
            if burst or (max_idle_time is not None and time.monotonic() - idle_since >= max_idle_time):
                return count
            self.note("paused" if self._paused else "idle")
            self.keep_house()
            # The first look that finds nothing was not watched: what came right after it would go unnoticed.
            if idle or not self.steps.is_told:
                self.await_news()
            idle = True

    def has_done_its_share(self, jobs: int) -> bool:
        """Whether it is time for a fresh worker; said in the log, once."""
        if not self.reason_to_leave:
            self.reason_to_leave = reason_to_leave(
                self.share,
                jobs=jobs,
                seconds=time.monotonic() - self._born,
                memory_bytes=memory_bytes() if self.share.memory else 0,
            )
            if self.reason_to_leave:
                log.info("worker done name=%s: %s; a fresh one may take its place", self.name, self.reason_to_leave)
        return bool(self.reason_to_leave)

    def take(self) -> Taken | None:
        """The next job in strict order, which counts as started; ``None`` when there is none."""
        return self.step(None, take=True)

    def step(self, finish: Finish | None, *, take: bool, watch: bool = False) -> Taken | None:
        """File the job that has returned and take the next, however long Redis needs to answer.

        Raises:
            StopRequested: told to leave, and Redis has been away too long.
        """
        execution_id = self._tokens.next() if take else ""
        answers: list[tuple[Finished, Taken | None]] = []
        self.patiently(lambda: answers.append(self.steps.step(finish, execution_id, watch=watch)))
        finished, taken = answers[-1]
        attempt, self._attempt = self._attempt, None
        if finish is None or attempt is None:
            return taken
        self.executions.pop(finish.held.execution_id, None)
        if finished is Finished.BY_HAND:
            ran = attempt
            self._count(
                self._end(ran, lambda: self._finalize_success(ran.job, ran.queue, ran.execution, ran.job._result))
            )
            return self.step(None, take=take)
        # What is not this worker's any more was filed by an earlier sending of this step, or settled by another.
        self._count(True)
        return taken

    def run(self, taken: Taken) -> Finish | None:
        """Run one taken job in this process.

        Returns:
            what the next step is to file; ``None`` when the job's end has been filed.
        """
        held = taken.held
        self.held = held
        try:
            job = self._builder.build(taken)
            timeout = int(job.timeout or self.queue_class.DEFAULT_TIMEOUT)
        except Exception as error:  # noqa: BLE001 - whatever the hash holds, the worker lives on
            reason = error
            self.patiently(lambda: quarantine(self.stores, held, reason))
            return None
        execution = Execution(held.execution_id, job.id, self.connection, worker_name=self.name)
        assert job.started_at is not None
        execution.created_at = execution.last_heartbeat = job.started_at
        execution._job = job
        self.executions[held.execution_id] = execution
        if asks_for_something(job) and is_put_off(
            self, job, self._queue_by_name[held.queue], execution, held, time.time()
        ):
            self.executions.pop(held.execution_id, None)
            return None
        name = name_of(job)
        self.doing = Doing("busy", job.id, name, held.queue, time.time(), timeout)
        if self._heartbeat is not None:
            self._heartbeat.changed()
        attempt = Attempt(taken, job, self._queue_by_name[held.queue], execution, time.perf_counter())
        self._attempt = attempt
        finish: Finish | None = in_clean_state(for_its_tenant, job, self._perform, attempt, timeout)
        if log.isEnabledFor(logging.INFO):
            log.info(
                "job %s name=%s queue=%s id=%s seconds=%.3f",
                self._outcome, name, held.queue, job.id, time.perf_counter() - attempt.began,
            )  # fmt: skip
        if finish is None:
            self._attempt = None
            self.executions.pop(held.execution_id, None)
        return finish

    def isolates(self, job: Job) -> bool:
        """Whether the job is to run in a process of its own."""
        return job.origin in self.isolated_queues or (asks_for_something(job) and terms_of(job).isolate)

    def _perform(self, attempt: Attempt, timeout: int) -> Finish | None:
        """Call the job's function; what of its end is left to the next step."""
        job = attempt.job
        before = saved_values(job)
        try:
            if self.begun is not None:
                self.begun.begin(attempt.taken.held.execution_id)
            if tracing.is_on():
                result = self._call_traced(job, attempt.queue.name, timeout)
            else:
                result = self._call(job, timeout)
        except BaseException:  # noqa: BLE001 - as RQ does: a job that exits has failed
            self._finalize_failure(job, attempt.queue, attempt.execution, sys.exc_info())
            self._count(False)
            return None
        result_ttl = job.get_result_ttl(self.default_result_ttl)
        if is_plain(job, result, result_ttl, before):
            self._outcome = "succeeded"
            return finish_of(
                job, attempt.taken, result, result_ttl, attempt.ended_us(),
                supervisor=self.supervisor, version=self.code_version,
            )  # fmt: skip
        self._count(self._end(attempt, lambda: self._finalize_success(job, attempt.queue, attempt.execution, result)))
        return None

    def _call(self, job: Job, timeout: int) -> Any:
        """Call the function under its time limit, here or in a process of its own."""
        if self.isolates(job):
            return run_isolated(job, timeout)
        with TimeLimit(timeout):
            return job.perform()

    def _call_traced(self, job: Job, queue: str, timeout: int) -> Any:
        """Likewise, inside a span of the trace in which the job was dispatched."""
        return tracing.traced(
            lambda: self._call(job, timeout),
            name=name_of(job),
            job_id=job.id,
            queue=queue,
            attempt=getattr(job, "attempt", 1),
            carried=terms_of(job).trace,
        )

    def _end(self, attempt: Attempt, finalize: Callable[[], None]) -> bool:
        """End a job by RQ's own methods; whether it succeeded. A success callback may yet make it fail."""
        self._attempt = attempt
        try:
            finalize()
        except StopRequested:
            raise
        except BaseException:  # noqa: BLE001 - likewise
            self._finalize_failure(attempt.job, attempt.queue, attempt.execution, sys.exc_info())
            return False
        finally:
            self._attempt = None
        return True

    def _count(self, succeeded: bool) -> None:
        if succeeded:
            self.done += 1
        else:
            self.failed += 1

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:
        """Note when the job ended; RQ's extra heartbeat at this point is not needed, since the job's hash has no end."""
        assert self._attempt is not None
        job.ended_at = datetime.fromtimestamp(self._attempt.ended_us() / MILLION, UTC)

    def await_news(self) -> None:
        """Rest until a signal comes, or there may be something to do."""
        if not self.steps.is_told:
            self.look_into_inbox(POLL_SECONDS)
            return
        try:
            file = self.steps.news_from()
            if not self.steps.has_news() and file is not None:
                self.act_on(self.inbox.wait_beside(file, TOLD_SECONDS))
        except RedisError as error:
            log.debug("waiting for news ended: %s", error)

    def look_into_inbox(self, seconds: float) -> None:
        """Rest so long, or until a signal comes, and act on what came."""
        self.act_on(self.inbox.wait(seconds))

    def act_on(self, arrived: list[signal.Signals]) -> None:
        """Act on signals."""
        for each in arrived:
            if each in LEAVE:
                self._leave_at = self._leave_at or time.monotonic()
            elif each is signal.SIGUSR2:
                self._paused = True
            elif each is signal.SIGCONT:
                self._paused = False
        if self._stop_requested:
            # RQ's own shutdown command, through Redis.
            self._leave_at = self._leave_at or time.monotonic()

    def rest(self, seconds: float) -> None:
        """Wait for Redis to come back, but not for ever once told to leave.

        Raises:
            StopRequested: told to leave, and Redis has been away too long. What this worker holds stays reserved,
                and is settled by whoever finds it.
        """
        self.look_into_inbox(seconds)
        if self._leave_at is not None and time.monotonic() - self._leave_at > LEAVE_WITHOUT_REDIS_SECONDS:
            raise StopRequested

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """RQ's shutdown command: noted like a signal."""
        self._stop_requested = True
        self._told_at = self._told_at or time.monotonic()

    def _catch_second_signal(self) -> None:
        """QUIT while a job runs stops that job, which then ends failed; so does a second TERM or INT to a worker on its
        own. One that has a master may get TERM twice for one wish to leave, and its master says QUIT when it means it.
        """

        def deliver(number: int, frame: FrameType | None) -> None:
            self.inbox.deliver(number)
            now = time.monotonic()
            # A terminal's Ctrl-C and another process's TERM may both come for one wish to leave.
            again = not self.master and self._told_at is not None and now - self._told_at > 1.0
            self._told_at = self._told_at or now
            if again or number == signal.SIGQUIT:
                interrupt("The worker was told twice to leave, so its job was stopped.")

        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(each, deliver)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """RQ's stop command: this worker runs the job itself, so the job is interrupted, not a child killed."""
        interrupt("The job was stopped on request.")

    def _pubsub_exception_handler(self, exc: Exception, pubsub: PubSub, pubsub_thread: PubSubWorkerThread) -> None:
        """Keep listening for commands whatever happens to the connection."""
        log.debug("listening for commands failed: %s", exc)
        time.sleep(2.0)

    def unsubscribe(self) -> None:
        """Stop listening for commands. The thread is told first: else it may hear of the end, find nothing to read any
        more, and hold up the leave for a second."""
        if self.pubsub_thread is not None and self.pubsub is not None:
            self.pubsub_thread.stop()
            self.pubsub.unsubscribe()
            self.pubsub_thread.join(timeout=1)
            self.pubsub.close()

    def keep_house(self) -> None:
        """RQ's heartbeat; and, when no master is there to do it, what all have in common. Only while idle."""
        now = time.monotonic()
        try:
            if now - self._last_rq_beat > RQ_BEAT_SECONDS:
                self._last_rq_beat = now
                self.heartbeat()
            if now - self._last_sweep > SWEEP_SECONDS:
                self._last_sweep = now
                self._keep_common_house(now)
        except RedisError as error:
            if not will_pass(error):
                raise
            log.error("Redis did not answer (%s); worker %s goes on", error, self.name)

    def _keep_common_house(self, now: float) -> None:
        """The work of a master, while there is none."""
        if self.master or self.stores.masters.living():
            self._sweeper = None
            return
        if self._sweeper is None:
            self._sweeper = Sweeper(self.stores, every=SWEEP_SECONDS)
        self._sweeper.look(now, spare=(self.name,))
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()

    _sweeper: Sweeper | None = None
    _last_rq_beat = 0.0
    _last_sweep = 0.0

    def note(self, state: str) -> None:
        """Change what the record says, when no job runs."""
        if state != self.doing.state:
            self.doing = Doing(state)
            if self._heartbeat is not None:
                self._heartbeat.changed()

    def extend_lease(self) -> None:
        """Tell RQ that the running job is not abandoned; a job without a time limit may run longer than RQ's lease."""
        attempt = self._attempt
        if attempt is not None:
            self.steps.renew(attempt.taken.held, self.get_heartbeat_ttl(attempt.job))
            prolong_locks(self.stores.locks, attempt.job, attempt.taken.held)

    def record(self) -> WorkerRecord:
        """What this worker says of itself, now."""
        doing = self.doing
        return WorkerRecord(
            name=self.name,
            host=self.hostname or socket.gethostname(),
            pid=self.pid or os.getpid(),
            master=self.master,
            supervisor=self.supervisor,
            queues=tuple(self.queue_names()),
            state="leaving" if self._told_at is not None else doing.state,
            started_at=self._started_at,
            beat_at=time.time(),
            done=self.done,
            failed=self.failed,
            job_id=doing.job_id,
            job_name=doing.job_name,
            job_queue=doing.job_queue,
            job_started_at=doing.job_started_at,
            job_timeout=doing.job_timeout,
            version=allegro_queue.__version__,
        )

    def _take_leave(self) -> None:
        """Remove every trace of a worker that leaves of its own will."""
        try:
            self.steps.close()
            self.teardown()
            self.stores.workers.remove(self.name)
        except RedisError as error:
            log.error(
                "worker %s could not take its leave of Redis (%s); its record expires by itself", self.name, error
            )
        log.info("worker left name=%s done=%d failed=%d", self.name, self.done, self.failed)
