"""Which workers are past their job's time limit although the alarm went off inside. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from allegro_queue.stores.workers import WorkerRecord

GRACE_SECONDS = 4.0
"""Seconds past the limit after which a worker is killed: its own alarm had its chance. With the second that passes
between two looks, a job is dead five seconds past its limit at the latest."""


def overdue_workers(workers: Iterable[WorkerRecord], now: float) -> list[str]:
    """Names of busy workers whose job should have ended ``GRACE_SECONDS`` ago, by a record written after its limit:
    an older one may speak of a job that has ended since."""
    return [each.name for each in workers if each.job_id and each.job_timeout > 0 and is_overdue(each, now)]


def is_overdue(worker: WorkerRecord, now: float) -> bool:
    limit = worker.job_started_at + worker.job_timeout
    return worker.beat_at > limit and now > limit + GRACE_SECONDS
