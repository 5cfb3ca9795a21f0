"""``manage.py horizon_pause [QUEUE …]``: hand out no new job."""

from __future__ import annotations

import getpass
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from allegro_queue.durations import seconds_in
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.management.supervisor_controls import instruct
from allegro_queue.queues import check_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction
from allegro_queue.stores.pauses import ALL_QUEUES, Pause


class Command(RedisCommand):
    help = (
        "Pause queues: running jobs finish, new ones pile up. Without a queue, all are paused. "
        "With --supervisor, the workers of that supervisor take no job, on every host, also after a restart."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queues", nargs="*", help="queues to pause (default: all)")
        parser.add_argument("--supervisor", default="", help="pause this supervisor instead of queues")
        parser.add_argument("--for", dest="duration", help="resume by itself after 30s, 15m, 2h or 1d")
        parser.add_argument("--reason", default="", help="why, for those who see the queue stand still")

    def run(self, stores: Stores, **options: Any) -> None:
        now = time.time()
        until = now + seconds_in(options["duration"]) if options["duration"] else None
        if options["supervisor"]:
            self.pause_supervisor(stores, until, **options)
            return
        for name in options["queues"]:
            check_queue(name)
        for name in options["queues"] or [ALL_QUEUES]:
            stores.pauses.pause(
                Pause(queue=name, since=now, until=until, by=getpass.getuser(), reason=options["reason"])
            )
            what = "All queues are" if name == ALL_QUEUES else f"{name} is"
            end = f" for {options['duration']}" if until else ""
            outcome = f"{what} paused{end}. Running jobs finish."
            self.note(
                "pause", "all queues" if name == ALL_QUEUES else f"queue {name}", outcome, reason=options["reason"]
            )
            self.stdout.write(outcome)

    def pause_supervisor(self, stores: Stores, until: float | None, **options: Any) -> None:
        """Tell every master that runs it."""
        if options["queues"]:
            raise CommandError("Give queues or --supervisor, not both.")
        told = instruct(
            stores,
            Instruction(
                control=Control.PAUSE,
                supervisor=options["supervisor"],
                until=until,
                by=getpass.getuser(),
                reason=options["reason"],
            ),
        )
        end = f" for {options['duration']}" if until else ""
        outcome = f"{options['supervisor']} is paused{end} at {', '.join(told)}. Running jobs finish."
        self.note("pause", f"supervisor {options['supervisor']}", outcome, reason=options["reason"])
        self.stdout.write(outcome)
