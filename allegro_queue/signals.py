"""Django signals for what happens to jobs, workers and alerts, so that a project can do more about it than be told.

Receivers are called with ``sender`` and the keywords that each signal names. What a receiver raises is logged and goes no
further. ``docs/alerts.md`` says in which process each is sent.
"""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import Signal

log = logging.getLogger(__name__)

alert_fired = Signal()
"""``rule``, ``subject``, ``text``, ``since`` (Unix seconds), ``channels``, ``held``: an alert has begun to fire, muted or not."""

alert_repeated = Signal()
"""The same: it still fires, and is told again."""

alert_resolved = Signal()
"""The same: it is over."""

worker_lost = Signal()
"""``worker``, ``host``, ``pid``, ``reason``, ``job_id``, ``job_name``, ``outcome``, ``lost_at``: a worker has died."""

job_failed = Signal()
"""``job_id``, ``job_name``, ``queue``, ``exception`` (its type's name): a job has failed and has no try left."""


def tell(signal: Signal, **what: Any) -> None:
    """Call the receivers, none of which can hinder another or the caller."""
    if not signal.receivers:
        return
    for receiver, answer in signal.send_robust(sender=None, **what):
        if isinstance(answer, Exception):
            log.error("a receiver of a signal failed: %r", receiver, exc_info=answer)
