"""``manage.py horizon_clear QUEUE``: delete every waiting job of a queue."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from allegro_queue.activity.models import Activity
from allegro_queue.bulk import work
from allegro_queue.bulk.selection import Selection
from allegro_queue.management.redis_command import RedisCommand, account
from allegro_queue.management.run_over_many import carry_out
from allegro_queue.queues import check_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BIN_MOST, BulkAct
from allegro_queue.stores.jobs import State


class Command(RedisCommand):
    help = (
        "Delete every waiting job of a queue. Running and ended jobs, and those that come meanwhile, are left alone. "
        f"For 24 hours horizon_restore brings back what was deleted, the last {BIN_MOST:,} jobs at most."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queue", help="queue to clear")
        parser.add_argument("--force", action="store_true", help="do not ask")
        parser.add_argument("--reason", default="", help="why, for those who look at the journal")

    def run(self, stores: Stores, **options: Any) -> None:
        queue = options["queue"]
        check_queue(queue)
        now = time.time()
        length = stores.jobs.lengths([queue])[queue]
        if not options["force"] and not self.agreed(queue, length):
            raise CommandError("Nothing was deleted.")
        run, _ = work.begin(
            BulkAct.DELETE,
            Selection(state=State.WAITING, queue=queue),
            cut_off=now,
            now=now,
            who=account(),
            via=Activity.Via.COMMAND,
            expected=length,
            reason=options["reason"],
        )
        carry_out(self, stores, run, verbosity=options["verbosity"])
        if run.done:
            self.stdout.write(f"For 24 hours this can be undone: manage.py horizon_restore {run.pk}")

    def agreed(self, queue: str, length: int) -> bool:
        """Whether the person at the terminal types the queue's name; without a terminal, no."""
        try:
            answer = input(f"Delete {length} waiting jobs of {queue}? Type the queue's name: ")
        except EOFError:
            self.stderr.write("There is nobody to ask; add --force.")
            return False
        return answer.strip() == queue
