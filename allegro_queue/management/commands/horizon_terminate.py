"""``manage.py horizon_terminate``: for deploys. Running jobs finish, then Horizon leaves."""

from __future__ import annotations

import math
import socket
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from allegro_queue.durations import seconds_in
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control

LOOK_SECONDS = 0.2


class Command(RedisCommand):
    help = "Tell the masters of this host to finish their running jobs and leave, so that new code can be started."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="the masters of every host")
        parser.add_argument("--wait", action="store_true", help="return when they have left")
        parser.add_argument(
            "--within", help="with --wait: fail after so long, such as 2m (default: wait as long as it takes)"
        )

    def run(self, stores: Stores, **options: Any) -> None:
        within = seconds_in(options["within"]) if options["within"] else None
        here = socket.gethostname()
        names = [each.name for each in stores.masters.living() if options["all"] or each.host == here]
        if not names:
            self.stdout.write("No Horizon process is running here.")
            return
        for name in names:
            stores.controls.send(name, Control.TERMINATE)
            self.stdout.write(f"{name} was told to leave.")
        if options["wait"]:
            self.wait(stores, set(names), within)

    def wait(self, stores: Stores, names: set[str], seconds: float | None) -> None:
        """Until none of them is alive."""
        deadline = time.monotonic() + (math.inf if seconds is None else seconds)
        while left := names & {each.name for each in stores.masters.living()}:
            if time.monotonic() > deadline:
                raise CommandError(
                    f"Still there after {seconds} s: {', '.join(sorted(left))}. A long job may be running."
                )
            time.sleep(LOOK_SECONDS)
        self.stdout.write("All have left.")
