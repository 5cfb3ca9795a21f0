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
        done, gone = self.each_selected(stores, options, lambda job_id: stores.jobs.retry(job_id, time.time()))
        self.stdout.write(f"Queued {done} failed jobs again.{self.rest(gone)}")
