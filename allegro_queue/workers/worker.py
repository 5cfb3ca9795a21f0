"""The worker: takes the first job in strict order, runs it in this process, files it, and looks again."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any

from django.utils import timezone
from redis.client import Pipeline, PubSub, PubSubWorkerThread
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError, StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.worker import DequeueStrategy, WorkerStatus

import allegro_queue
from allegro_queue.connection import new_client
from allegro_queue.inbox import LEAVE, SignalInbox
from allegro_queue.stores import open_stores
from allegro_queue.stores.reservations import Reservation
from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.workers.filing import FilingWorker, will_pass
from allegro_queue.workers.heartbeat import Heartbeat
from allegro_queue.workers.hygiene import clean_state
from allegro_queue.workers.quarantine import quarantine
from allegro_queue.workers.recorder import name_of
from allegro_queue.workers.settling import sweep
from allegro_queue.workers.time_limit import TimeLimit, interrupt

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.05
"""How often an idle worker looks for work. Looking never takes a job from a worker that then dies with it unseen."""

RQ_BEAT_SECONDS = 30.0
SWEEP_SECONDS = 30.0
LEAVE_WITHOUT_REDIS_SECONDS = 15.0


@dataclass(slots=True)
class Doing:
    """What the worker is at, for its record."""

    state: str = "starting"
    done: int = 0
    failed: int = 0
    job_id: str = ""
    job_name: str = ""
    job_queue: str = ""
    job_started_at: float = 0.0
    job_timeout: int = 0


class HorizonWorker(FilingWorker):
    """A long-lived worker process. Signals are noted and acted on between jobs; a running job is never interrupted
    but by its time limit, a request to stop it, or a second signal to leave."""

    death_penalty_class = TimeLimit
    master = ""
    supervisor = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doing = Doing()
        self.inbox = SignalInbox()
        self._paused = False
        self._told_at: float | None = None
        """When the first signal to leave came, perhaps in the middle of a job."""
        self._leave_at: float | None = None
        """When the loop heard of it."""
        self._heartbeat: Heartbeat | None = None
        self._running: tuple[Job, Execution] | None = None
        self._started_at = time.time()

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
        beats = open_stores(new_client())
        self._heartbeat = Heartbeat(beats.workers, self.record, self.extend_lease)
        with self.inbox:
            self._catch_second_signal()
            try:
                self.patiently(self.register_birth)
                self.patiently(lambda: self.stores.workers.write(self.record()))
                if with_scheduler:
                    self._start_scheduler(burst)
                with self._heartbeat:
                    self.patiently(self.subscribe)
                    log.info("worker started name=%s queues=%s", self.name, ",".join(self.queue_names()))
                    return self._loop(burst, max_jobs, max_idle_time) > 0
            except StopRequested:
                return self.doing.done + self.doing.failed > 0
            finally:
                self._take_leave()
                beats.client.close()

    def _loop(self, burst: bool, max_jobs: int | None, max_idle_time: int | None) -> int:
        """Jobs run until it is time to leave."""
        count = 0
        idle_since = time.monotonic()
        while True:
            self.look_into_inbox(0)
            if self._leave_at is not None:
                return count
            taken = None if self._paused else self.take()
            if taken is not None:
                self.execute_job(*taken)
                count += 1
                idle_since = time.monotonic()
                if max_jobs is not None and count >= max_jobs:
                    return count
                continue
            if burst or (max_idle_time is not None and time.monotonic() - idle_since >= max_idle_time):
                return count
            self.note("paused" if self._paused else "idle")
            self.keep_house()
            self.look_into_inbox(IDLE_SECONDS)

    def take(self) -> tuple[Job, Queue] | None:
        """The next job in strict order, reserved for this worker; ``None`` when there is none or Redis is away."""
        try:
            while (held := self.stores.reservations.take(self.name, self.queue_names())) is not None:
                if (taken := self.fetch(held)) is not None:
                    return taken
            return None
        except RedisError as error:
            if not will_pass(error):
                raise
            log.error("Redis did not answer (%s); worker %s looks again in 1 s", error, self.name)
            self.rest(1.0)
            return None

    def fetch(self, held: Reservation) -> tuple[Job, Queue] | None:
        """The reserved job; ``None`` when it was deleted in the moment between, or its data cannot be read."""
        queue = next(each for each in self.queues if each.name == held.queue)
        try:
            return self.job_class.fetch(held.job_id, connection=self.connection), queue
        except RedisError:
            raise
        except NoSuchJobError:
            self.stores.reservations.drop(held)
        except Exception as error:  # noqa: BLE001 - whatever the hash holds, the worker lives on
            quarantine(self.stores, held, error)
        return None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run one reserved job in this process and file what became of it."""
        timeout = int(job.timeout or self.queue_class.DEFAULT_TIMEOUT)
        self.note(
            "busy",
            job_id=job.id,
            job_name=name_of(job),
            job_queue=queue.name,
            job_started_at=time.time(),
            job_timeout=timeout,
        )
        started = time.monotonic()
        executions: list[Execution] = []
        self.patiently(lambda: executions.append(self.prepare_execution(job)))
        self._running = (job, executions[-1])
        try:
            with clean_state():
                succeeded = self.perform_job(job, queue, executions[-1])
        finally:
            self._running = None
        if succeeded:
            self.doing.done += 1
        else:
            self.doing.failed += 1
        log.info(
            "job %s name=%s queue=%s id=%s seconds=%.3f",
            self._result, self.doing.job_name, queue.name, job.id, time.monotonic() - started,
        )  # fmt: skip
        self.note("idle")

    def cleanup_execution(self, job: Job, pipeline: Pipeline, execution: Execution | None = None) -> None:
        """Along with the end of an attempt, tell RQ's tools that this worker is idle again."""
        super().cleanup_execution(job, pipeline, execution)
        self.set_state(WorkerStatus.IDLE, pipeline)

    def prepare_job_execution(self, job: Job, remove_from_intermediate_queue: bool = False) -> None:
        """Mark the job as started, when Redis answers: its absence is no fault of the job."""
        self.patiently(lambda: super(HorizonWorker, self).prepare_job_execution(job, remove_from_intermediate_queue))

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:
        """Note when the job ended; RQ's extra heartbeat at this point is not needed, since the job's hash has no end."""
        job.ended_at = timezone.now()

    def look_into_inbox(self, seconds: float) -> None:
        """Rest so long, or until a signal comes, and act on what came."""
        for each in self.inbox.wait(seconds):
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
        """A second TERM or INT while a job runs stops that job, which then ends failed; the first only is noted."""

        def deliver(number: int, frame: FrameType | None) -> None:
            self.inbox.deliver(number)
            now = time.monotonic()
            if self._told_at is None:
                self._told_at = now
            # A terminal's Ctrl-C and the supervisor's TERM may both come for one wish to leave.
            elif now - self._told_at > 1.0:
                interrupt("The worker was told twice to leave, so its job was stopped.")

        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, deliver)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """RQ's stop command: this worker runs the job itself, so the job is interrupted, not a child killed."""
        interrupt("The job was stopped on request.")

    def _pubsub_exception_handler(self, exc: Exception, pubsub: PubSub, pubsub_thread: PubSubWorkerThread) -> None:
        """Keep listening for commands whatever happens to the connection."""
        log.debug("listening for commands failed: %s", exc)
        time.sleep(2.0)

    def keep_house(self) -> None:
        """RQ's heartbeat and maintenance, and the sweep for dead workers, each in its own time; only while idle."""
        now = time.monotonic()
        try:
            if now - self._last_rq_beat > RQ_BEAT_SECONDS:
                self._last_rq_beat = now
                self.heartbeat()
            if now - self._last_sweep > SWEEP_SECONDS:
                self._last_sweep = now
                sweep(self.stores, spare=frozenset({self.name}))
            if self.should_run_maintenance_tasks:
                self.run_maintenance_tasks()
        except RedisError as error:
            if not will_pass(error):
                raise
            log.error("Redis did not answer (%s); worker %s goes on", error, self.name)

    _last_rq_beat = 0.0
    _last_sweep = 0.0

    def note(self, state: str, **job: Any) -> None:
        """Change what the record says."""
        if state == self.doing.state and not job:
            return
        self.doing = Doing(state=state, done=self.doing.done, failed=self.doing.failed, **job)
        if self._heartbeat is not None:
            self._heartbeat.changed()

    def extend_lease(self) -> None:
        """Tell RQ that the running job is not abandoned; a job without a time limit may run longer than RQ's lease."""
        running = self._running
        if running is not None:
            self.maintain_heartbeats(*running)

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
            done=doing.done,
            failed=doing.failed,
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
            self.teardown()
            self.stores.workers.remove(self.name)
        except RedisError as error:
            log.error(
                "worker %s could not take its leave of Redis (%s); its record expires by itself", self.name, error
            )
        log.info("worker left name=%s done=%d failed=%d", self.name, self.doing.done, self.doing.failed)
