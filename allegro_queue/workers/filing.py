"""Filing an ended job: RQ's own methods, with the reservation let go and the run noted in the same transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from random import random
from typing import Any, TypeVar

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ConnectionError, RedisError, ResponseError
from rq.executions import Execution
from rq.job import Job, Retry
from rq.queue import Queue
from rq.registry import StartedJobRegistry
from rq.worker import SimpleWorker

from allegro_queue.conf import horizon_settings
from allegro_queue.connection import UNREACHABLE, address
from allegro_queue.jobs import HorizonJob
from allegro_queue.queues import all_queues, get_queue
from allegro_queue.signals import job_failed, tell
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.reservations import Reservation
from allegro_queue.stores.run_record import RunOutcome
from allegro_queue.workers.backoff import pause_after, whole_rest
from allegro_queue.workers.holding import let_go, terms_of
from allegro_queue.workers.isolation import TOLD_BY_CHILD
from allegro_queue.workers.recorder import name_of, run_of

log = logging.getLogger(__name__)

Value = TypeVar("Value")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0

PASSING_TROUBLE = ("LOADING", "READONLY", "MISCONF", "OOM", "NOREPLICAS", "MASTERDOWN", "TRYAGAIN")
"""Answers of a server that refuses for now: its state will change, the job's will not."""


def will_pass(error: RedisError) -> bool:
    """Whether waiting mends this."""
    return isinstance(error, UNREACHABLE) or (
        isinstance(error, ResponseError) and str(error).startswith(PASSING_TROUBLE)
    )


def kind_of(exc_string: str) -> str:
    """Name of the exception that a traceback ends with; without what it says, which may be private."""
    return exc_string.rstrip().rpartition("\n")[2].partition(":")[0].strip()[:200]


class AlreadyFiled(Exception):
    """The transaction that files the job at hand is tried again although an earlier try went through, its reply lost."""


def queue_what_is_ready(stores: Stores) -> None:
    """Queue jobs whose last dependency is filed: RQ does so only after the transaction that files it, so a worker that
    dies in between, or never hears that it went through, leaves them behind."""
    for name in all_queues():
        get_queue(name, stores.client).ready_job_registry.cleanup()


class FilingWorker(SimpleWorker):
    """An RQ worker that files jobs; it takes none."""

    job_class = HorizonJob
    log_result_lifespan = False
    log_job_description = False
    supervisor = ""
    """Name of the supervisor that started it; empty when started by hand."""

    fails_as: RunOutcome = "failed"
    """What a run that ends without a verdict of its own is noted as."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("job_class", HorizonJob)
        super().__init__(*args, **kwargs)
        self.stores: Stores = open_stores(self.connection)
        self.code_version = horizon_settings().version
        self._outcome: RunOutcome = "succeeded"
        self._exc_string = ""
        """RQ's text of the failure that is being filed."""
        self.held: Reservation | None = None
        """The job at hand: what is written of its end is written only while it is still this worker's."""
        self._job_filed: Job | None = None
        """The job whose transaction was begun, until its end is filed."""

    def _set_connection(self, connection: Redis) -> Redis:
        """Leave the client's time-outs alone: RQ would raise them to seven minutes for its blocking pop."""
        return connection

    def procline(self, message: str) -> None:
        """Leave the process's title alone: RQ's would go on naming a job that has long ended."""

    def cleanup_execution(self, job: Job, pipeline: Pipeline, execution: Execution | None = None) -> None:
        """Called by RQ inside each transaction that ends an attempt; ours rides along.

        Raises:
            AlreadyFiled: RQ tries the same transaction again. redis-py calls a lost reply a change of a watched key.
        """
        if self._job_filed is job and self.held is not None and not self.still_holds():
            raise AlreadyFiled
        self._job_filed = job
        super().cleanup_execution(job, pipeline, execution)
        self.stores.reservations.release(self.name, pipeline)
        held = self.held
        if held is not None:
            run = run_of(
                job,
                held,
                self._outcome,
                supervisor=self.supervisor,
                version=self.code_version,
                exc_string=self._exc_string,
            )
            self.stores.runs.add(run, pipeline)
            let_go(self.stores, job, held, self._outcome, pipeline)

    def handle_job_success(
        self, job: Job, queue: Queue, started_job_registry: StartedJobRegistry, execution: Execution
    ) -> None:
        self._outcome, self._exc_string = "succeeded", ""
        self.until_filed(
            lambda: super(FilingWorker, self).handle_job_success(job, queue, started_job_registry, execution)
        )

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: StartedJobRegistry | None = None,
        exc_string: str = "",
        execution: Execution | None = None,
    ) -> None:
        stopped = self._stopped_job_id
        if stopped == job.id:
            self._outcome = "stopped"
        else:
            self._outcome = "retried" if job.should_retry else self.fails_as
        # A job that ran in a process of its own brings the traceback from there.
        self._exc_string = exc_string = exc_string.removeprefix(TOLD_BY_CHILD)
        retries_left = job.retries_left
        terms = terms_of(job)
        if terms.backoff and isinstance(job, HorizonJob):
            job.rest = whole_rest(pause_after(terms, job.attempt, random()), time.time())  # noqa: S311

        def file() -> None:
            # RQ changes both before it writes; each try starts from the same state.
            self._stopped_job_id, job.retries_left = stopped, retries_left
            super(FilingWorker, self).handle_job_failure(job, queue, started_job_registry, exc_string, execution)
            # RQ logs a failed write instead of raising.
            if self.still_holds():
                raise ConnectionError("the failure of the job was not written")

        self.until_filed(file)
        self._tell_of_failure(job, queue)

    def _tell_of_failure(self, job: Job, queue: Queue) -> None:
        """Have receivers hear of a job that has failed for good. Not of one whose worker died: that is settled by a master,
        which no receiver may hold up, and told of as ``worker_lost``."""
        if self._outcome == "failed" and self.fails_as == "failed":
            tell(
                job_failed,
                job_id=job.id,
                job_name=name_of(job),
                queue=queue.name,
                exception=kind_of(self._exc_string),
            )

    def handle_job_retry(
        self, job: Job, queue: Queue, retry: Retry, started_job_registry: StartedJobRegistry, execution: Execution
    ) -> None:
        used_up = bool(job.number_of_retries and job.number_of_retries >= retry.max)
        self._outcome = "failed" if used_up else "retried"
        self._exc_string = f"The job asked to be tried again, which it may {retry.max} times." if used_up else ""
        retries = job.number_of_retries

        def file() -> None:
            job.number_of_retries = retries
            super(FilingWorker, self).handle_job_retry(job, queue, retry, started_job_registry, execution)
            # Likewise, when the retries are used up.
            if self.still_holds():
                raise ConnectionError("the retry of the job was not written")

        self.until_filed(file)
        self._tell_of_failure(job, queue)

    def still_holds(self) -> bool:
        """Whether the job at hand is still this worker's: neither filed, nor settled by somebody who thought it dead."""
        now = self.stores.reservations.of(self.name)
        return now is not None and (self.held is None or now.claim == self.held.claim)

    def until_filed(self, file: Callable[[], object]) -> None:
        """File an ended job, waiting for Redis as long as it takes: the job has run, and its verdict must not be lost.

        The reservation tells whether there is still something to file: not when a lost reply hid that it was done,
        and not when this worker was silent so long that another settled the job.
        """
        attempts = 0

        def file_unless_done() -> None:
            nonlocal attempts
            attempts += 1
            if not self.still_holds():
                if attempts == 1:
                    log.warning("worker %s came too late: its job had been settled by another", self.name)
                else:
                    self.catch_up()
                return
            try:
                file()
            except AlreadyFiled:
                self.catch_up()

        self._job_filed = None
        self.patiently(file_unless_done)

    def catch_up(self) -> None:
        """The end of a job was filed and the reply lost: do what RQ does after it."""
        if self._job_filed is not None:
            self._release_slot_safely(self._job_filed)
        queue_what_is_ready(self.stores)

    def patiently(self, step: Callable[..., Value], *args: Any) -> Value:
        """Do a step that only talks to Redis; when Redis does not answer, say so and try again until it does."""
        pause = FIRST_PAUSE
        while True:
            try:
                return step(*args)
            except RedisError as error:
                if not will_pass(error):
                    raise
                log.error(
                    "Redis at %s did not answer (%s); worker %s tries again in %.1f s",
                    address(self.connection), error, self.name, pause,
                )  # fmt: skip
            self.rest(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def rest(self, seconds: float) -> None:
        """Wait for better times."""
        time.sleep(seconds)
