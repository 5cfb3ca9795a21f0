"""``manage.py horizon_continue [QUEUE …]``: hand out jobs again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.management.supervisor_controls import instruct
from allegro_queue.queues import check_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction


class Command(RedisCommand):
    help = "Lift the pause of queues. Without a queue, every pause is lifted and paused masters go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queues", nargs="*", help="queues to resume (default: all)")
        parser.add_argument("--supervisor", default="", help="let this supervisor go on instead of queues")

    def run(self, stores: Stores, **options: Any) -> None:
        if options["supervisor"]:
            if options["queues"]:
                raise CommandError("Give queues or --supervisor, not both.")
            told = instruct(stores, Instruction(control=Control.CONTINUE, supervisor=options["supervisor"]))
            outcome = f"{options['supervisor']} takes jobs again at {', '.join(told)}."
            self.note("continue", f"supervisor {options['supervisor']}", outcome)
            self.stdout.write(outcome)
            return
        for name in options["queues"]:
            check_queue(name)
            was = stores.pauses.resume(name)
            outcome = f"{name} hands out jobs again." if was else f"{name} was not paused."
            self.note("continue", f"queue {name}", outcome, succeeded=was)
            self.stdout.write(outcome)
        if not options["queues"]:
            stores.pauses.resume_all()
            stores.controls.drop()
            for master in stores.masters.living():
                stores.controls.send(master.name, Control.CONTINUE)
            outcome = "All queues hand out jobs again."
            self.note("continue", "all queues", outcome)
            self.stdout.write(outcome)
