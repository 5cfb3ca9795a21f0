"""The keeper of alerts as a process of its own: a child of the master, or ``manage.py horizon_alerts watch``."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from setproctitle import setproctitle

from allegro_queue.alerts.loop import LOOK_SECONDS, AlertLoop, Sources
from allegro_queue.alerts.options import parse_alerts
from allegro_queue.conf import admin_addresses, horizon_settings
from allegro_queue.errors import InvalidConfiguration
from allegro_queue.inbox import SignalInbox

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run_alerts(sources: Sources, master: str = "", *, every: float = LOOK_SECONDS) -> None:
    """Look, and tell, until SIGTERM or SIGINT. Waits for Redis and for the database when they do not answer.

    Any number may run at once, on any host: one looks and sends, the others take over when it dies.

    Args:
        master: name of the master whose child this is; empty when started alone.
        every: seconds between two looks.

    Raises:
        InvalidConfiguration: with every fault of ``HORIZON["alerts"]``.
    """
    setproctitle("horizon alerts")
    with keeper(sources, master, every=every) as loop:
        loop.run()


def look_once(sources: Sources) -> bool:
    """Look and tell once, where nobody keeps the alerts: for cron, on a host of its own. What must hold for a while is
    remembered from one time to the next.

    Returns:
        False when the database did not answer, so that nobody was told.

    Raises:
        InvalidConfiguration: with every fault of ``HORIZON["alerts"]``.
    """
    with keeper(sources) as loop:
        return loop.once()


@contextmanager
def keeper(sources: Sources, master: str = "", *, every: float = LOOK_SECONDS) -> Iterator[AlertLoop]:
    """The keeper that the settings ask for, with ears for signals."""
    settings = horizon_settings()
    options, problems = parse_alerts(settings.alerts, admin_addresses())
    if problems:
        raise InvalidConfiguration(problems)
    if not options.channels:
        log.warning("HORIZON['alerts'] names no channel and ADMINS is empty, so alerts are shown and nobody is told")
    with SignalInbox(SIGNALS) as inbox:
        yield AlertLoop(options, sources, inbox, environment=settings.environment, master=master, every=every)
