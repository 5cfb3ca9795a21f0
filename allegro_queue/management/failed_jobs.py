"""Which failed jobs a command means, and doing one thing to them: as a run over many, like the dashboard's."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from allegro_queue.activity.models import Activity
from allegro_queue.bulk import work
from allegro_queue.bulk.models import BulkResult, BulkRun
from allegro_queue.bulk.selection import Selection
from allegro_queue.management.redis_command import RedisCommand, account
from allegro_queue.management.run_over_many import carry_out
from allegro_queue.queues import check_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct

NAMED = 5
"""Jobs that are named when something could not be done to them."""


class FailedJobsCommand(RedisCommand):
    """A command that does one thing to each of some failed jobs."""

    act: BulkAct

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="ids of failed jobs")
        parser.add_argument("--all", action="store_true", help="every failed job")
        parser.add_argument("--queue", help="with --all: of this queue only")
        parser.add_argument("--job", help="with --all: of this function only, by its dotted name")
        parser.add_argument("--reason", default="", help="why, for those who look at the journal")

    def run(self, stores: Stores, **options: Any) -> None:
        selection = self.selected(options)
        now = time.time()
        run, _ = work.begin(
            self.act, selection, cut_off=now, now=now, who=account(), via=Activity.Via.COMMAND, reason=options["reason"]
        )
        carry_out(self, stores, run, verbosity=options["verbosity"])
        self.tell_the_rest(run)

    def selected(self, options: dict[str, Any]) -> Selection:
        """Which jobs are meant."""
        if bool(options["ids"]) == options["all"]:
            raise CommandError("Say which: give ids of failed jobs, or --all.")
        if not options["all"]:
            if options["queue"] or options["job"]:
                raise CommandError("--queue and --job go with --all, not with ids.")
            return Selection(ids=tuple(dict.fromkeys(options["ids"])))
        if options["queue"]:
            check_queue(options["queue"])
        return Selection(queue=options["queue"] or "", name=options["job"] or "")

    def tell_the_rest(self, run: BulkRun) -> None:
        """Name the first of those that it could not be done to."""
        left = BulkResult.objects.filter(run=run).exclude(result="done").order_by("number")
        for each in left[:NAMED]:
            if each.result == "barred":
                self.stdout.write(f"{each.job_id} stays failed: {each.detail}, another job of its kind, waits or runs.")
            else:
                self.stdout.write(f"{each.job_id} was left alone: {REASONS.get(each.result, each.detail)}.")
        if (more := left.count() - NAMED) > 0:
            self.stdout.write(f"And {more:,} more; the dashboard lists them as run {run.pk}.")


REASONS = {"gone": "it is not there", "running": "it is running", "later": "it failed only since"}
