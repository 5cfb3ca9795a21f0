"""Which failed jobs a command means: ids, or all of them, of one queue or of one function."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.queues import all_queues, check_queue
from allegro_queue.stores import Stores

AT_ONCE = 500


class FailedJobsCommand(RedisCommand):
    """A command that does one thing to each of some failed jobs."""

    def add_selection(self, parser: ArgumentParser) -> None:
        """The arguments that say which."""
        parser.add_argument("ids", nargs="*", metavar="ID", help="ids of failed jobs")
        parser.add_argument("--all", action="store_true", help="every failed job")
        parser.add_argument("--queue", help="with --all: of this queue only")
        parser.add_argument("--job", help="with --all: of this function only, by its dotted name")

    def each_selected(
        self, stores: Stores, options: dict[str, Any], act: Callable[[str], bool]
    ) -> tuple[int, list[str]]:
        """Act on each; how many it worked for, and the ids that are not failed (any more)."""
        done, gone = 0, []
        for job_id in self.selected(stores, options):
            if act(job_id):
                done += 1
            else:
                gone.append(job_id)
        return done, gone

    def selected(self, stores: Stores, options: dict[str, Any]) -> list[str]:
        """The ids."""
        if bool(options["ids"]) == options["all"]:
            raise CommandError("Say which: give ids of failed jobs, or --all.")
        if not options["all"]:
            if options["queue"] or options["job"]:
                raise CommandError("--queue and --job go with --all, not with ids.")
            return list(options["ids"])
        if options["queue"]:
            check_queue(options["queue"])
        ids = stores.jobs.failed_ids([options["queue"]] if options["queue"] else all_queues())
        if not options["job"]:
            return ids
        return [
            row.id
            for start in range(0, len(ids), AT_ONCE)
            for row in stores.jobs.rows(ids[start : start + AT_ONCE])
            if row.name == options["job"]
        ]

    def rest(self, gone: list[str]) -> str:
        """What could not be done, in words."""
        if not gone:
            return ""
        named = ", ".join(gone[:5]) + (" …" if len(gone) > 5 else "")
        return f" {len(gone)} were not in a list of failed jobs: {named}"
