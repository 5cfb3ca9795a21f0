"""``manage.py horizon_restore RUN``: undo a run over many jobs."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from allegro_queue.activity.models import Activity
from allegro_queue.bulk import undoing
from allegro_queue.bulk.models import BulkRun
from allegro_queue.management.redis_command import RedisCommand, account
from allegro_queue.management.run_over_many import carry_out
from allegro_queue.stores import Stores


class Command(RedisCommand):
    help = (
        "Undo a run over many jobs, for 24 hours: put back what it deleted (a command's or the dashboard's), or move back "
        "what it moved out of a queue and what still waits."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", type=int, help="number of the run, as the command that did it or the dashboard says")
        parser.add_argument("--reason", default="", help="why, for those who look at the journal")

    def run(self, stores: Stores, **options: Any) -> None:
        run = BulkRun.objects.filter(pk=options["run"]).first()
        if run is None:
            raise CommandError(f"There is no run {options['run']}.")
        now = time.time()
        undo, is_new = undoing.begin(run, now=now, who=account(), via=Activity.Via.COMMAND, reason=options["reason"])
        if not isinstance(undo, BulkRun):
            raise CommandError(undo.english)
        if not is_new:
            raise CommandError(f"Run {run.pk} was undone already, by run {undo.pk}.")
        carry_out(self, stores, undo, verbosity=options["verbosity"])
