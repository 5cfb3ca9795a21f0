"""``manage.py rqworker high default audience-sync``: one worker by hand, under django-rq's name and options."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from setproctitle import setproctitle

from allegro_queue.errors import HorizonError
from allegro_queue.queues import all_queues, check_queue, current_plan
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.names import new_token, worker_name
from allegro_queue.workers.recycling import Share


def from_one(given: str) -> int:
    """A whole number from 1 up. For no limit the option is left out."""
    if not (given.isascii() and given.isdigit() and len(given) < 10 and int(given) > 0):
        raise ArgumentTypeError(f"{given!r} is no limit; give a whole number from 1 up, or leave the option out.")
    return int(given)


class Command(BaseCommand):
    help = (
        "Run one worker on these queues, in strict order: the first is drained before the second is looked at. "
        "TERM and INT finish the running job and leave."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "queues", nargs="*", help="queues, highest priority first (default: all, in the order of priority)"
        )
        parser.add_argument("--burst", action="store_true", help="leave when there is nothing to do")
        parser.add_argument("--name", help="name of the worker (default: host.pid.xxxx)")
        parser.add_argument("--pid", help="file to write the process id to")
        parser.add_argument("--max-jobs", type=from_one, help="leave after so many jobs")
        parser.add_argument(
            "--max-time", type=from_one, help="leave after so many seconds, once the running job is done"
        )
        parser.add_argument("--memory", type=from_one, help="leave after the job that left more MiB than this in use")
        parser.add_argument("--max-idle-time", type=from_one, help="leave after so many seconds without a job")
        parser.add_argument("--isolate", action="store_true", help="run each job in a process of its own")
        parser.add_argument("--with-scheduler", action="store_true", help="run RQ's own scheduler beside")

    def handle(self, *args: Any, queues: list[str], **options: Any) -> None:
        try:
            plan = current_plan()
            for each in queues:
                check_queue(each)
        except HorizonError as error:
            raise CommandError(str(error)) from error
        if plan.notice:
            raise CommandError(plan.notice.replace("Horizon starts no worker", "this worker does not start"))
        if options["pid"]:
            try:
                Path(options["pid"]).expanduser().write_text(str(os.getpid()), encoding="ascii")
            except OSError as error:
                raise CommandError(f"--pid: {error}") from error
        name = options["name"] or worker_name(os.getpid(), new_token())
        served = queues or all_queues()
        setproctitle(f"horizon worker by hand on {','.join(served)}")
        worker = make_worker(served, name=name)
        if worker is None:
            return
        worker.share = Share(
            max_jobs=options["max_jobs"] or 0, max_time=options["max_time"] or 0, memory=options["memory"] or 0
        )
        if options["isolate"]:
            worker.isolated_queues = frozenset(worker.queue_names())
        try:
            worker.work(
                burst=options["burst"],
                max_idle_time=options["max_idle_time"],
                with_scheduler=options["with_scheduler"],
            )
        except ValueError as error:
            # RQ's word for a name that is taken; a job's own errors do not get here.
            raise CommandError(str(error)) from error
