"""A worker that hears: signals, and RQ's commands through Redis. Both are noted, and acted on between jobs."""

from __future__ import annotations

import logging
import signal
import time
from types import FrameType
from typing import Any

from redis.client import PubSub, PubSubWorkerThread
from rq.exceptions import StopRequested

from allegro_queue.inbox import LEAVE
from allegro_queue.workers.filing import FilingWorker
from allegro_queue.workers.time_limit import interrupt
from allegro_queue.workers.waiting import WakefulInbox

log = logging.getLogger(__name__)

LEAVE_WITHOUT_REDIS_SECONDS = 15.0


class ListeningWorker(FilingWorker):
    """Signals are noted and acted on between jobs; a running job is never interrupted but by its time limit, a request
    to stop it, or a second signal to leave."""

    master = ""
    """Name of the master that started it; empty when started by hand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.inbox = WakefulInbox()
        self._paused = False
        self._told_at: float | None = None
        """When the first signal to leave came, perhaps in the middle of a job."""
        self._leave_at: float | None = None
        """When the loop heard of it."""

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
