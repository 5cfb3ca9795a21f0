from __future__ import annotations

from dataclasses import replace

from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.supervision.overdue import overdue_workers

BUSY = WorkerRecord(
    name="w", host="h", pid=1, master="m", supervisor="s", queues=("default",), state="busy", started_at=0,
    beat_at=165, done=0, failed=0, job_id="j", job_name="n", job_queue="default", job_started_at=100, job_timeout=60,
)  # fmt: skip


def test_a_worker_is_overdue_four_seconds_past_its_jobs_limit():
    assert overdue_workers([BUSY], now=163.9) == []
    assert overdue_workers([BUSY], now=164.1) == ["w"]


def test_a_record_from_before_the_limit_proves_nothing():
    assert overdue_workers([replace(BUSY, beat_at=159)], now=200) == []


def test_an_idle_worker_and_a_job_without_limit_are_never_overdue():
    assert overdue_workers([replace(BUSY, job_id=""), replace(BUSY, job_timeout=-1)], now=1000) == []
