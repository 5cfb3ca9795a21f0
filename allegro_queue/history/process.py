"""The collector as a process of its own: a child of the master, or ``manage.py horizon_collect``."""

from __future__ import annotations

import logging
import os
import signal

from setproctitle import setproctitle

from allegro_queue.conf import horizon_settings
from allegro_queue.connection import client
from allegro_queue.history.collector import Collector
from allegro_queue.history.loop import CollectorLoop
from allegro_queue.inbox import SignalInbox
from allegro_queue.stores import open_stores

log = logging.getLogger(__name__)

NICE = 10
"""Under load it falls behind, so that no worker slows down."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_collector(master: str = "", *, until_empty: bool = False) -> None:
    """Collect run records until SIGTERM or SIGINT. Waits for Redis and for the database when they do not answer.

    Any number may run at once: one collects, the others take over when it dies.

    Args:
        master: name of the master whose child this is; empty when started alone.
        until_empty: leave as soon as nothing waits.
    """
    setproctitle("horizon collector")
    try:
        os.nice(NICE)
    except OSError as error:
        log.info("the collector runs at the priority that it was given (%s)", error)
    settings = horizon_settings()
    stores = open_stores(client())
    with SignalInbox(SIGNALS) as inbox:
        CollectorLoop(stores, lambda: Collector(stores, settings), inbox, master=master).run(until_empty=until_empty)
