"""``manage.py horizon_top``: the overview in a terminal."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from typing import Any

from django.db import OperationalError, close_old_connections

from allegro_queue.conf import horizon_settings
from allegro_queue.connection import UNREACHABLE, address, client
from allegro_queue.dashboard.metrics.minute_values import clock
from allegro_queue.dashboard.overview.page import read_overview
from allegro_queue.management.overview_text import Line, overview_lines
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.management.screen import watch
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores


class Command(RedisCommand):
    help = "Show the overview, again and again until q is pressed; once, as plain text, when it is piped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--interval", type=interval, default=2.0, help="seconds between two looks (default: 2)")
        parser.add_argument("--once", action="store_true", help="print it once")

    def run(self, stores: Stores, **options: Any) -> None:
        if options["once"] or not (self.stdout.isatty() and sys.stdin.isatty()):
            for line in look(stores):
                self.stdout.write(line.drawn(0, colours=False))
            return
        colours = not (options["no_color"] or os.environ.get("NO_COLOR"))
        seconds = options["interval"]

        def lines() -> Sequence[Line]:
            return [*patient_look(stores), Line(""), Line(f"Every {seconds:g} s. q leaves.", "quiet")]

        watch(sys.stdout, lines, seconds, colours=colours)


def look(stores: Stores) -> Sequence[Line]:
    """How things stand now."""
    pulse = stores.pulse.read(all_queues(), time.time())
    return list(overview_lines(read_overview(stores, pulse), pulse, horizon_settings().environment, clock))


def patient_look(stores: Stores) -> Sequence[Line]:
    """The same, also when something does not answer: the next look may find it again."""
    try:
        return look(stores)
    except UNREACHABLE:
        return [Line(f"Redis at {address(client())} did not answer. Looking again.", "bad")]
    except OperationalError:
        close_old_connections()
        return [Line("The database did not answer. Looking again.", "bad")]


def interval(text: str) -> float:
    """Seconds as they are given.

    Raises:
        ArgumentTypeError: they are no number, or too few or too many.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.2 <= seconds <= 3600:
        raise ArgumentTypeError(f"{text!r} is no number from 0.2 to 3600")
    return seconds
