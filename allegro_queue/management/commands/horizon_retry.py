"""``manage.py horizon_retry``: queue failed jobs again."""

from __future__ import annotations

from allegro_queue.management.failed_jobs import FailedJobsCommand
from allegro_queue.stores.bulk import BulkAct


class Command(FailedJobsCommand):
    help = "Put failed jobs at the end of their queues again, under their own ids."
    act = BulkAct.RETRY
