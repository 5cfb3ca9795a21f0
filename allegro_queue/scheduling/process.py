"""The scheduler as a process of its own: a child of the master, or ``manage.py rqscheduler``."""

from __future__ import annotations

import logging

from setproctitle import setproctitle

from allegro_queue.connection import client
from allegro_queue.dispatch import DEFAULT_QUEUE
from allegro_queue.outbox import OutboxDrain
from allegro_queue.queues import all_queues, current_plan
from allegro_queue.scheduling.database import DatabaseWatch
from allegro_queue.scheduling.loop import SchedulerLoop
from allegro_queue.scheduling.scheduler import HorizonScheduler

log = logging.getLogger(__name__)


def run_scheduler(master: str = "", *, interval: float = 1, queue: str = "", burst: bool = False) -> None:
    """Make the schedule say what the settings say, then queue what comes due until SIGTERM or SIGINT.

    Waits for Redis when it does not answer. A child that a master forked also leaves when that master is gone.

    Args:
        master: name of the master whose child this is; empty when started alone.
        interval: seconds between two looks.
        queue: where jobs go that name no queue.
        burst: look once, and leave.
    """
    setproctitle("horizon scheduler")
    # A master has said it already.
    if not master and (notice := current_plan().notice):
        log.warning(notice)
    queues = all_queues()
    name = queue or (DEFAULT_QUEUE if DEFAULT_QUEUE in queues else queues[0])
    scheduler = HorizonScheduler(name, connection=client(), interval=interval)
    SchedulerLoop(
        scheduler, declare=DatabaseWatch().declared, master=master, interval=interval, chores=(OutboxDrain(),)
    ).run(burst=burst)
