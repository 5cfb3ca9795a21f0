"""A worker that runs jobs: each in this process or one of its own, filed with the step that takes the next."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import RedisError
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue

from allegro_queue import tracing
from allegro_queue.begun import Begun
from allegro_queue.job_notes import notebook
from allegro_queue.stores.notes import NoteStore
from allegro_queue.stores.reservations import Reservation
from allegro_queue.stores.steps import MILLION, Finish, Finished, StepStore, Taken
from allegro_queue.workers.admission import is_put_off, is_skipped
from allegro_queue.workers.attempt import Attempt, Doing
from allegro_queue.workers.heartbeat import Heartbeat
from allegro_queue.workers.holding import asks_for_something, free_overlap_now, in_its_place, prolong_locks, terms_of
from allegro_queue.workers.hygiene import in_clean_state
from allegro_queue.workers.isolation import run_isolated
from allegro_queue.workers.listening import ListeningWorker
from allegro_queue.workers.plain import finish_of, is_plain, saved_values
from allegro_queue.workers.quarantine import quarantine
from allegro_queue.workers.recorder import name_of
from allegro_queue.workers.taken_job import JobBuilder
from allegro_queue.workers.time_limit import TimeLimit
from allegro_queue.workers.tokens import Tokens

log = logging.getLogger(__name__)


class RunningWorker(ListeningWorker):
    """Takes a job, runs it, and hands on what is to be written of its end."""

    death_penalty_class = TimeLimit
    begun: Begun | None = None
    """Memory shared with the parent, if there is one that looks there."""

    isolated_queues: frozenset[str] = frozenset()
    """Queues whose jobs each run in a process of their own, whoever queued them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.doing = Doing()
        self.done = self.failed = 0
        self.steps = StepStore(
            self.connection, self.stores.keys, self.name, self.queue_names(), runs_kept=self.stores.runs.kept
        )
        self._builder = JobBuilder(self.job_class, self.connection)
        self._queue_by_name = {each.name: each for each in self.queues}
        self._tokens = Tokens()
        self._heartbeat: Heartbeat | None = None
        self._attempt: Attempt | None = None
        """The job that runs, or has run and waits for the next step."""

    def take(self) -> Taken | None:
        """The next job in strict order, which counts as started; ``None`` when there is none."""
        return self.step(None, take=True)

    def step(self, finish: Finish | None, *, take: bool, watch: bool = False) -> Taken | None:
        """File the job that has returned and take the next, however long Redis needs to answer.

        Raises:
            StopRequested: told to leave, and Redis has been away too long.
        """
        execution_id = self._tokens.next() if take else ""
        finished, taken = self.patiently(self.steps.step, finish, execution_id, watch)
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
            self.patiently(quarantine, self.stores, held, reason)
            return None
        execution = execution_of(job, held)
        self.executions[held.execution_id] = execution
        queue = self._queue_by_name[held.queue]
        try:
            is_left = asks_for_something(job) and (
                is_skipped(self, job, execution) or is_put_off(self, job, queue, execution, held, time.time())
            )
        except StopRequested:
            raise
        except Exception as error:  # noqa: BLE001 - likewise
            self._quarantine(job, held, error)
            is_left = True
        if is_left:
            self.executions.pop(held.execution_id, None)
            return None
        name = name_of(job)
        self.doing = Doing("busy", job.id, name, held.queue, time.time(), timeout)
        if self._heartbeat is not None:
            self._heartbeat.changed()
        self._attempt = attempt = Attempt(taken, job, queue, execution, time.perf_counter())
        finish: Finish | None
        if asks_for_something(job):
            finish = in_clean_state(in_its_place, job, self._perform, attempt, timeout)
        else:
            finish = in_clean_state(self._perform, attempt, timeout)
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
        notebook.begin(job.id, getattr(job, "attempt", 1))
        try:
            if self.begun is not None:
                self.begun.begin(attempt.taken.held.execution_id)
            if tracing.is_on():
                result = self._call_traced(job, attempt.queue.name, timeout)
            else:
                result = self._call(job, timeout)
        except BaseException:  # noqa: BLE001 - as RQ does: a job that exits has failed
            self._send_last_notes(job)
            self._fail(attempt)
            self._count(False)
            return None
        self._send_last_notes(job)
        result_ttl = job.get_result_ttl(self.default_result_ttl)
        if is_plain(job, result, result_ttl, before):
            self._outcome = "succeeded"
            return finish_of(
                job, attempt.taken, self.doing.job_name, result, result_ttl, attempt.ended_us(),
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

    def send_notes(self, notes: NoteStore) -> None:
        """Send on what the running job has said since the last time; safe from another thread."""
        attempt = self._attempt
        said = notebook.take(attempt.job.id) if attempt is not None and notebook.is_open else None
        if said is not None:
            notes.add(said, time.time())

    def _send_last_notes(self, job: Job) -> None:
        """Send on the job's last words, if it had any. They are not worth waiting for Redis."""
        notebook.end()
        said = notebook.take(job.id)
        if said is not None:
            try:
                self.stores.notes.add(said, time.time())
            except RedisError as error:
                log.warning("the last words of job %s were not kept: %s", job.id, error)

    def _end(self, attempt: Attempt, finalize: Callable[[], None]) -> bool:
        """End a job by RQ's own methods; whether it succeeded. A success callback may yet make it fail."""
        self._attempt = attempt
        try:
            finalize()
        except StopRequested:
            raise
        except BaseException:  # noqa: BLE001 - likewise
            self._fail(attempt)
            return False
        finally:
            self._attempt = None
        return True

    def _fail(self, attempt: Attempt) -> None:
        """File a job as failed with the exception at hand. One whose data RQ cannot even file fails all the same, by the
        few keys that need no look at it."""
        try:
            self._finalize_failure(attempt.job, attempt.queue, attempt.execution, sys.exc_info())
        except StopRequested:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the hash holds, the worker lives on
            self._quarantine(attempt.job, attempt.taken.held, error)

    def _quarantine(self, job: Job, held: Reservation, error: Exception) -> None:
        """File a job as failed that RQ cannot file, and let others work on what it worked on."""

        def file() -> None:
            # First, since nobody comes back to it once the job is filed.
            free_overlap_now(self.stores, job, held)
            quarantine(self.stores, held, error)

        self.until_filed(file)

    def _count(self, succeeded: bool) -> None:
        if succeeded:
            self.done += 1
        else:
            self.failed += 1

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:
        """Note when the job ended; RQ's extra heartbeat at this point is not needed, since the job's hash has no end."""
        assert self._attempt is not None
        job.ended_at = datetime.fromtimestamp(self._attempt.ended_us() / MILLION, UTC)

    def extend_lease(self) -> None:
        """Tell RQ that the running job is not abandoned; a job without a time limit may run longer than RQ's lease."""
        attempt = self._attempt
        if attempt is not None:
            self.steps.renew(attempt.taken.held, self.get_heartbeat_ttl(attempt.job))
            prolong_locks(self.stores, attempt.job, attempt.taken.held)

    def note(self, state: str) -> None:
        """Change what the record says, when no job runs."""
        if state != self.doing.state:
            self.doing = Doing(state)
            if self._heartbeat is not None:
                self._heartbeat.changed()


def execution_of(job: Job, held: Reservation) -> Execution:
    """RQ's object for an attempt, without the look at the clock that its making takes."""
    execution = Execution.__new__(Execution)
    execution.__dict__ = {
        "id": held.execution_id,
        "job_id": held.job_id,
        "connection": job.connection,
        "worker_name": held.worker,
        "created_at": job.started_at,
        "last_heartbeat": job.started_at,
        "_job": job,
    }
    return execution
