"""The worker: runs jobs one after the other until told to leave, and says how it is."""

from __future__ import annotations

import logging
import os
import socket
import time
from dataclasses import replace
from typing import Any

from redis.exceptions import RedisError
from rq.exceptions import StopRequested
from rq.utils import utcformat
from rq.worker import DequeueStrategy

import allegro_queue
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import new_client
from allegro_queue.job_notes import capture_logs, notebook
from allegro_queue.stores import open_stores
from allegro_queue.stores.replies import text
from allegro_queue.stores.steps import Finish
from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.workers.filing import will_pass
from allegro_queue.workers.heartbeat import Heartbeat, memory_bytes
from allegro_queue.workers.hygiene import forget_state
from allegro_queue.workers.recycling import NO_LIMITS, Share, reason_to_leave
from allegro_queue.workers.running import RunningWorker
from allegro_queue.workers.sweeping import Sweeper

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
"""How often an idle worker looks for work, when the server cannot tell it (RESP2)."""

TOLD_SECONDS = 1.0
"""How often it looks when the server tells: for what nobody tells of, such as a pause that ends by itself."""

RQ_BEAT_SECONDS = 30.0
SWEEP_SECONDS = 30.0


class HorizonWorker(RunningWorker):
    """A long-lived worker process."""

    share: Share = NO_LIMITS
    """How much it does before a fresh worker takes its place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._started_at = time.time()
        self._born = time.monotonic()
        self.reason_to_leave = ""
        """Why it leaves of its own will, in words, once it does."""
        self._sweeper: Sweeper | None = None
        self._last_rq_beat = 0.0
        self._last_sweep = 0.0

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
        self._heartbeat = Heartbeat(beats.workers, self.record, self.extend_lease, lambda: self.send_notes(beats.notes))
        notebook.wake = self._heartbeat.changed
        notebook.keeps = horizon_settings().log_lines
        capture = capture_logs()
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
                logging.getLogger().removeHandler(capture)
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
            version=self.code_version or allegro_queue.__version__,
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
