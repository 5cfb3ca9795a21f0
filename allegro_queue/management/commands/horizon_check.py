"""``manage.py horizon_check``: is the machinery itself well."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from allegro_queue.alerts.report import keeper_in_words
from allegro_queue.configuration import configuration_problems
from allegro_queue.connection import UNREACHABLE, address, client
from allegro_queue.health.check import GRAVITY, Check, worst
from allegro_queue.health.examine import examine, unreachable
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.queues import all_queues
from allegro_queue.scheduling.snapshots import snapshot_too_old_from
from allegro_queue.stores import Stores, open_stores


class Command(RedisCommand):
    help = "Check Redis, processes, records and settings: exit code 0 all well, 1 something to look at, 2 jobs at risk."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Unlike the other commands, say in the same form that Redis does not answer."""
        try:
            self.run(open_stores(), **options)
        except UNREACHABLE as error:
            self.report(unreachable(address(client()), type(error).__name__), **options)

    def run(self, stores: Stores, **options: Any) -> None:
        pulse = stores.pulse.read(all_queues(), time.time())
        self.report(
            examine(stores, pulse, configuration_problems(), keeper_in_words(pulse.at), snapshot_too_old_from),
            **options,
        )

    def report(self, checks: tuple[Check, ...], **options: Any) -> None:
        """Print the checks and leave with the code of the worst."""
        result = worst(checks)
        if options["json"]:
            self.print_json({"result": result, "checks": [asdict(each) for each in checks]})
        else:
            self.print_table(
                ["RESULT", "CHECK", "FOUND"],
                [[each.result.upper(), f"{each.group}: {each.name}", each.found] for each in checks],
            )
            for each in checks:
                if each.mend:
                    self.stdout.write(f"\n{each.name}: {each.mend}{f' {each.command}' if each.command else ''}")
        sys.exit(GRAVITY[result])
