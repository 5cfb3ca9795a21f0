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
            self.stdout.write(f"{options['supervisor']} takes jobs again at {', '.join(told)}.")
            return
        for name in options["queues"]:
            check_queue(name)
            was = stores.pauses.resume(name)
            self.stdout.write(f"{name} hands out jobs again." if was else f"{name} was not paused.")
        if not options["queues"]:
            stores.pauses.resume_all()
            stores.controls.drop()
            for master in stores.masters.living():
                stores.controls.send(master.name, Control.CONTINUE)
            self.stdout.write("All queues hand out jobs again.")
