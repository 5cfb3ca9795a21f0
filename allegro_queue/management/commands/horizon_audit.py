"""``manage.py horizon_audit``: are there jobs that nothing will ever touch again? There must be none."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.stores import Stores
from allegro_queue.stores.audit import SUSPECTS

PAUSE_SECONDS = 1.0
"""Between two looks: longer than a job needs from one list to the next."""


class Command(RedisCommand):
    help = (
        "List jobs that stand in no queue and no registry, so that nothing will ever touch them. Exit code 0 when there "
        "are none, 1 when there are. May run beside everything else; it only reads."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, stores: Stores, **options: Any) -> None:
        orphans = stores.audit.orphans(lambda: time.sleep(PAUSE_SECONDS))
        if options["json"]:
            self.print_json({"count": len(orphans), "orphans": [asdict(each) for each in orphans]})
        else:
            if orphans:
                self.print_table(
                    ["JOB", "STATUS", "QUEUE", "QUEUED AT"],
                    [[each.id, each.status, each.queue or "-", each.enqueued_at or "-"] for each in orphans],
                )
            more = " or more" if len(orphans) >= SUSPECTS else ""
            self.stdout.write(f"{len(orphans)}{more} in no queue and no registry.")
        if orphans:
            sys.exit(1)
