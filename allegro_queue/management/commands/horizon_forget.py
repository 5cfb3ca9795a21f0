"""``manage.py horizon_forget``: delete failed jobs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from allegro_queue.management.failed_jobs import FailedJobsCommand
from allegro_queue.stores import Stores


class Command(FailedJobsCommand):
    help = "Delete failed jobs: their arguments, results and tracebacks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_selection(parser)

    def run(self, stores: Stores, **options: Any) -> None:
        done, gone = self.each_selected(stores, options, stores.jobs.forget)
        self.stdout.write(f"Deleted {done} failed jobs.{self.rest(gone)}")
