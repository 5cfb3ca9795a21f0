"""Starting a worker in this process: what a forked child and ``manage.py rqworker`` have in common."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from redis.exceptions import RedisError
from setproctitle import setproctitle

from allegro_queue import tracing
from allegro_queue.begun import Begun
from allegro_queue.connection import address, client, new_client
from allegro_queue.inbox import LEAVE, SignalInbox
from allegro_queue.queues import get_queue
from allegro_queue.workers.filing import will_pass
from allegro_queue.workers.hygiene import forget_state
from allegro_queue.workers.names import new_token, worker_name
from allegro_queue.workers.recycling import NO_LIMITS, Share
from allegro_queue.workers.time_limit import TimeLimit
from allegro_queue.workers.worker import HorizonWorker

log = logging.getLogger(__name__)

LONGEST_PAUSE = 5.0


def prepare() -> None:
    """Do once, before workers are forked, what each of them would do at its start, and so share the memory that it takes."""
    # With the first subscription redis-py makes a logger, and at that logging visits every logger there is.
    new_client().pubsub().close()
    forget_state()


def run_worker(
    queues: Sequence[str],
    *,
    begun: Begun,
    token: str = "",
    master: str = "",
    supervisor: str = "",
    share: Share = NO_LIMITS,
    isolated_queues: frozenset[str] = frozenset(),
) -> int:
    """Work on these queues, in strict order, until told to leave; the exit code.

    Args:
        begun: memory shared with the parent, where the worker tells what it has begun.
        token: the last part of the worker's name, when its parent has chosen it.
        master: name of the master that started it; empty when started by hand.
        supervisor: name of the supervisor in that master.
        share: how much it does before it leaves.
        isolated_queues: those whose jobs each run in a process of their own.
    """
    worker = make_worker(queues, name=worker_name(os.getpid(), token or new_token()))
    if worker is None:
        return 0
    worker.master, worker.supervisor = master, supervisor
    worker.share, worker.isolated_queues = share, isolated_queues
    worker.begun = TimeLimit.told = begun
    setproctitle(f"horizon worker {supervisor or 'by hand'} on {','.join(queues)}")
    worker.work()
    tracing.flush()
    return 0


def make_worker(queues: Sequence[str], *, name: str) -> HorizonWorker | None:
    """A worker on these queues, once Redis answers; ``None`` when told to leave before it did."""
    connection = client()
    pause = 0.2
    with SignalInbox() as inbox:
        while True:
            try:
                worker = HorizonWorker(
                    [get_queue(each, connection) for each in queues], name=name, connection=connection
                )
                # From here on the worker has an inbox of its own; what came into this one would never be heard.
                return None if LEAVE & set(inbox.wait(0)) else worker
            except RedisError as error:
                if not will_pass(error):
                    raise
                log.error(
                    "Redis at %s did not answer (%s); trying again in %.1f s. Jobs stay where they are.",
                    address(connection), error, pause,
                )  # fmt: skip
            if LEAVE & set(inbox.wait(pause)):
                return None
            pause = min(pause * 2, LONGEST_PAUSE)
