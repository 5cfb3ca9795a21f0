"""Batches: many jobs that are counted together, and what is queued once they have ended. After Laravel's ``Bus::batch``."""

from __future__ import annotations

from allegro_queue.batches.existing import Batch, current_batch, retry_failed, working_on
from allegro_queue.batches.follow_ups import FollowUp, follow_up
from allegro_queue.batches.making import NewBatch, batch

__all__ = [
    "Batch",
    "FollowUp",
    "NewBatch",
    "batch",
    "current_batch",
    "follow_up",
    "retry_failed",
    "working_on",
]
