"""``manage.py horizon_forget``: delete failed jobs."""

from __future__ import annotations

from allegro_queue.management.failed_jobs import FailedJobsCommand
from allegro_queue.stores.bulk import BulkAct


class Command(FailedJobsCommand):
    help = "Delete failed jobs: their arguments, results and tracebacks. For 24 hours horizon_restore or the dashboard brings them back."
    act = BulkAct.DELETE
