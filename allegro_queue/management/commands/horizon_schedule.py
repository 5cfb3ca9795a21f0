"""``manage.py horizon_schedule``: the cron table; ``run NAME`` queues an entry now."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils.timezone import get_default_timezone, get_default_timezone_name

from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.scheduling.by_hand import run_by_hand
from allegro_queue.scheduling.table import ScheduleRow, read_schedule
from allegro_queue.stores import Stores

HEAD = ["NAME", "CRON", "IN WORDS", "QUEUE", "JOB", "NEXT RUN", "LAST RUN", "RESULT"]


class Command(RedisCommand):
    help = "Show each cron entry with its next and its last run; 'run NAME' queues one now and prints the job's id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "action", nargs="?", choices=["list", "run"], default="list", help="list (the default) or run"
        )
        parser.add_argument("name", nargs="?", metavar="NAME", help="the entry to run")
        parser.add_argument("--json", action="store_true", help="print JSON; times are Unix seconds")

    def run(self, stores: Stores, **options: Any) -> None:
        now = time.time()
        if options["action"] == "run":
            if not options["name"]:
                raise CommandError("run needs the NAME of an entry; horizon_schedule without an action lists them.")
            job_id = run_by_hand(stores, options["name"], now)
            if options["json"]:
                self.print_json({"job_id": job_id})
            else:
                self.stdout.write(job_id)
            return
        rows = read_schedule(stores, now)
        results = results_of(stores, rows)
        if options["json"]:
            self.print_json([as_data(row, results[row.entry.name]) for row in rows])
        elif not rows:
            self.stdout.write("HORIZON['schedule'] has no entry.")
        else:
            self.print_table(HEAD, [cells(row, results[row.entry.name]) for row in rows])
            self.stdout.write(f"Times are in {get_default_timezone_name()}.")
            if stores.schedule.scheduler() is None:
                self.stdout.write("No scheduler is running. Start one: manage.py horizon, or manage.py rqscheduler")


def results_of(stores: Stores, rows: list[ScheduleRow]) -> dict[str, str]:
    """What became of each entry's last run, by its name: RQ's word for its job, or why none was queued."""
    jobs = [row.last.job_id for row in rows if row.last and row.last.job_id]
    statuses = {job.id: job.status for job in stores.jobs.rows(jobs)}
    results: dict[str, str] = {}
    for row in rows:
        if row.last is None:
            results[row.entry.name] = ""
        else:
            # Finished jobs are forgotten after a while.
            results[row.entry.name] = row.last.error or statuses.get(row.last.job_id, "no longer listed")
    return results


def cells(row: ScheduleRow, result: str) -> list[str]:
    """One line of the table."""
    next_run = clock(row.next_at) if row.next_at is not None else "not installed"
    late = f" ({row.late_seconds:.0f} s late)" if row.late_seconds >= 2 else ""
    last_run = clock(row.last.due_at) if row.last else "never"
    return [
        row.entry.name,
        row.entry.cron,
        row.in_words,
        row.entry.queue,
        row.entry.job,
        next_run + late,
        last_run,
        result or "-",
    ]


def as_data(row: ScheduleRow, result: str) -> dict[str, Any]:
    """One row for a program."""
    return {
        "name": row.entry.name,
        "cron": row.entry.cron,
        "in_words": row.in_words,
        "queue": row.entry.queue,
        "job": row.entry.job,
        "next_at": row.next_at,
        "late_seconds": row.late_seconds,
        "last": asdict(row.last) if row.last else None,
        "result": result,
    }


def clock(moment: float) -> str:
    """A moment in Django's time zone."""
    return datetime.fromtimestamp(moment, get_default_timezone()).strftime("%Y-%m-%d %H:%M:%S")
