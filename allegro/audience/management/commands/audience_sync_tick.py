"""``manage.py audience_sync_tick``: the five-minute heartbeat of audience sync, by hand."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from allegro.audience.jobs import tick
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import HorizonError


class Command(BaseCommand):
    help = "Look, for every organization, which providers are due, and queue their members."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--now",
            action="store_true",
            help="queue the evaluations from here, instead of queueing a tick that a worker carries out",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["now"]:
                count = tick()
                self.stdout.write(f"Queued {count} {'evaluation' if count == 1 else 'evaluations'} on audience-sync.")
            else:
                self.stdout.write(f"Queued the tick on audience-sync as job {dispatch(tick)}.")
        except HorizonError as error:
            raise CommandError(str(error)) from error
