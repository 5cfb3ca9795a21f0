"""``manage.py horizon_collect``: the collector alone."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allegro_queue.checks import CONFIGURATION
from allegro_queue.configuration import configuration_problems
from allegro_queue.history.process import run_collector


class Command(BaseCommand):
    help = (
        "Collect run records from Redis into the database, for metrics and history, until SIGTERM or SIGINT. "
        "manage.py horizon runs a collector itself; of any number that run, one collects."
    )

    requires_system_checks = (CONFIGURATION,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until-empty", action="store_true", help="leave as soon as nothing waits, or when another one collects"
        )

    def handle(self, *args: Any, until_empty: bool, **options: Any) -> None:
        if problems := configuration_problems():
            listed = "\n".join(problems)
            raise CommandError(f"The collector cannot start; mend these:\n{listed}")
        run_collector(until_empty=until_empty)
