"""``manage.py horizon_retry``: queue failed jobs again."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from allegro_queue.management.failed_jobs import FailedJobsCommand
from allegro_queue.stores import Stores


class Command(FailedJobsCommand):
    help = "Put failed jobs at the end of their queues again, under their own ids."

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_selection(parser)

    def run(self, stores: Stores, **options: Any) -> None:
        barred: dict[str, str] = {}

        def retry(job_id: str) -> bool:
            tally = stores.jobs.retry_many([job_id], now=time.time())
            barred.update(tally.barred)
            return tally.done == 1

        done, rest = self.each_selected(stores, options, retry)
        gone = [job_id for job_id in rest if job_id not in barred]
        self.stdout.write(f"Queued {done} failed jobs again.{self.rest(gone)}")
        for job_id, holder in barred.items():
            self.stdout.write(f"{job_id} stays failed: {holder}, another job of its kind, waits or runs.")
