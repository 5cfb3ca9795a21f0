"""``manage.py demo_load``: a stream of made-up jobs."""

from __future__ import annotations

import random
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allegro.dev.demo_jobs import NotHere, refuse_in_production
from allegro.dev.demo_load import next_call
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import HorizonError


def positive(text: str) -> float:
    """A number above 0, for argparse."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"{text} is not above 0")
    return number


class Command(BaseCommand):
    help = (
        "Queue made-up jobs that succeed, dawdle, fail, and now and then kill their worker, to watch the dashboard. "
        "Refused in production. Ctrl-C ends it early. Exit codes: 0 done, 1 refused or Redis away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=positive, default=60, help="how long to go on (default: 60)")
        parser.add_argument("--rate", type=positive, default=5, help="jobs per second (default: 5)")

    def handle(self, *args: Any, seconds: float, rate: float, **options: Any) -> None:
        try:
            refuse_in_production()
            queued = self.queue_jobs(seconds, rate)
        except (NotHere, HorizonError) as error:
            raise CommandError(str(error)) from error
        kinds = ", ".join(f"{count} {name}" for name, count in queued.most_common())
        self.stdout.write(f"Queued {queued.total()} jobs: {kinds}.")

    def queue_jobs(self, seconds: float, rate: float) -> Counter[str]:
        """Queue at an even pace; how many of each kind."""
        chance = random.Random()  # noqa: S311 - made up
        queued: Counter[str] = Counter()
        start = time.monotonic()
        try:
            for number in range(max(1, round(seconds * rate))):
                time.sleep(max(0.0, start + number / rate - time.monotonic()))
                function, arguments = next_call(number, chance)
                dispatch(function, *arguments)
                queued[function.__name__] += 1
        except KeyboardInterrupt:
            self.stdout.write("Ended early.")
        return queued
