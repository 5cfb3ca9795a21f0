"""``manage.py horizon_status``: is Horizon running, paused or inactive."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.queues import current_plan
from allegro_queue.status import EXIT_CODES, status_of
from allegro_queue.stores import Stores


class Command(RedisCommand):
    help = "Say whether Horizon is running (exit code 0), paused (1) or inactive (2)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, stores: Stores, **options: Any) -> None:
        pauses = stores.pauses.current(time.time())
        masters = stores.masters.living()
        status = status_of(masters, pauses.values())
        notice = current_plan().notice
        if options["json"]:
            self.print_json({"status": status, "masters": len(masters), "paused": sorted(pauses), "notice": notice})
        else:
            self.stdout.write(f"Horizon is {status}.")
            for pause in pauses.values():
                name = "all queues are" if pause.queue == "*" else f"{pause.queue} is"
                self.stdout.write(f"  {name} paused{f': {pause.reason}' if pause.reason else ''}")
            if notice:
                self.stdout.write(f"  {notice}")
        sys.exit(EXIT_CODES[status])
