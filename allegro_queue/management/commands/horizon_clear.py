"""``manage.py horizon_clear QUEUE``: delete every waiting job of a queue."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.queues import check_queue
from allegro_queue.stores import Stores


class Command(RedisCommand):
    help = "Delete every waiting job of a queue. Running and ended jobs are left alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", help="queue to clear")
        parser.add_argument("--force", action="store_true", help="do not ask")

    def run(self, stores: Stores, **options: Any) -> None:
        queue = options["queue"]
        check_queue(queue)
        length = stores.jobs.lengths([queue])[queue]
        if not options["force"] and not self.agreed(queue, length):
            raise CommandError("Nothing was deleted.")
        outcome = f"Deleted {stores.jobs.clear(queue)} waiting jobs of {queue}."
        self.note("clear", f"queue {queue}", outcome)
        self.stdout.write(outcome)

    def agreed(self, queue: str, length: int) -> bool:
        """Whether the person at the terminal types the queue's name; without a terminal, no."""
        try:
            answer = input(f"Delete {length} waiting jobs of {queue}? Type the queue's name: ")
        except EOFError:
            self.stderr.write("There is nobody to ask; add --force.")
            return False
        return answer.strip() == queue
