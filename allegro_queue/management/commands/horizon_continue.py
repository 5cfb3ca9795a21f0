"""``manage.py horizon_continue [QUEUE …]``: hand out jobs again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext_noop

from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.management.supervisor_controls import instruct
from allegro_queue.queues import check_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction
from allegro_queue.tellings import telling


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
            name = options["supervisor"]
            outcome = telling("{name} takes jobs again at {processes}.", name=name, processes=", ".join(told))
            self.note("continue", telling("supervisor {name}", name=name), outcome)
            self.stdout.write(outcome.english)
            return
        for name in options["queues"]:
            check_queue(name)
            was = stores.pauses.resume(name)
            text = gettext_noop("{name} hands out jobs again.") if was else gettext_noop("{name} was not paused.")
            outcome = telling(text, name=name)
            self.note("continue", telling("queue {name}", name=name), outcome, succeeded=was)
            self.stdout.write(outcome.english)
        if not options["queues"]:
            stores.pauses.resume_all()
            stores.controls.drop()
            for master in stores.masters.living():
                stores.controls.send(master.name, Control.CONTINUE)
            outcome = telling("All queues hand out jobs again.")
            self.note("continue", telling("all queues"), outcome)
            self.stdout.write(outcome.english)
