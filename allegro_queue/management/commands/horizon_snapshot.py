"""``manage.py horizon_snapshot``: take a snapshot of the queues now, as the cron entry does every five minutes."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from allegro_queue.conf import horizon_settings
from allegro_queue.history.snapshot import take_snapshot
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores


class Command(RedisCommand):
    help = "Note how many jobs wait in each queue and since when, and delete metrics that are older than they are kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON; null when another one was being taken")

    def run(self, stores: Stores, **options: Any) -> None:
        taken = take_snapshot(stores, all_queues(), now=time.time(), settings=horizon_settings())
        if options["json"]:
            self.print_json(asdict(taken) if taken else None)
        elif taken is None:
            self.stdout.write("Another snapshot is being taken right now; nothing was done.")
        else:
            self.stdout.write(
                f"Snapshot taken of {counted(taken.queues, 'queue')}; {counted(taken.deleted, 'old row')} deleted."
            )


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
