"""``manage.py rqscheduler``: the scheduler alone, under the name and with the options of django-rq's command."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allegro_queue.checks import CONFIGURATION
from allegro_queue.configuration import configuration_problems
from allegro_queue.scheduling.process import run_scheduler


class Command(BaseCommand):
    help = (
        "Queue what HORIZON['schedule'] has due, and jobs that wait for their time, until SIGTERM or SIGINT. "
        "manage.py horizon runs a scheduler itself; any number may run at once."
    )

    requires_system_checks = (CONFIGURATION,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pid", help="file to write the process id into; removed at the end")
        parser.add_argument("-i", "--interval", type=float, default=1, help="seconds between two looks (default 1)")
        parser.add_argument("--queue", default="", help="queue for scheduled jobs that name none")
        parser.add_argument("--burst", action="store_true", help="look once, and leave")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["interval"] > 0:
            raise CommandError(f"--interval is {options['interval']:g}; it must be more than 0.")
        if problems := configuration_problems():
            listed = "\n".join(problems)
            raise CommandError(f"The scheduler cannot start; mend these:\n{listed}")
        file = Path(options["pid"]).expanduser() if options["pid"] else None
        if file:
            try:
                file.write_text(str(os.getpid()))
            except OSError as error:
                raise CommandError(f"--pid: {error}") from error
        try:
            run_scheduler(interval=options["interval"], queue=options["queue"], burst=options["burst"])
        finally:
            if file:
                file.unlink(missing_ok=True)
