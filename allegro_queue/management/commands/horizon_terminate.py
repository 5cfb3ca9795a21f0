"""``manage.py horizon_terminate``: for deploys. Running jobs finish, then Horizon leaves. Or one worker alone."""

from __future__ import annotations

import math
import socket
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext_noop

from allegro_queue.durations import seconds_in
from allegro_queue.management.redis_command import RedisCommand, account
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control
from allegro_queue.tellings import in_a_list, telling
from allegro_queue.worker_ends import end_worker

LOOK_SECONDS = 0.2


class Command(RedisCommand):
    help = (
        "Tell the masters of this host to finish their running jobs and leave, so that new code can be started. "
        "With --worker, end one worker, on whichever host it is; a fresh one takes its place."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="the masters of every host")
        parser.add_argument(
            "--worker", default="", help="this worker instead, by its name in horizon_list, after its job"
        )
        parser.add_argument(
            "--kill",
            action="store_true",
            help="with --worker: at once; its job is tried again, or fails without tries left",
        )
        parser.add_argument("--reason", default="", help="why, for the journal, and for the job of a killed worker")
        parser.add_argument("--wait", action="store_true", help="return when they have left")
        parser.add_argument(
            "--within", help="with --wait: fail after so long, such as 2m (default: wait as long as it takes)"
        )

    def run(self, stores: Stores, **options: Any) -> None:
        within = seconds_in(options["within"]) if options["within"] else None
        if options["kill"] and not options["worker"]:
            raise CommandError("--kill is for one worker: give --worker NAME.")
        if options["worker"]:
            self.end_worker(stores, within, **options)
            return
        here = socket.gethostname()
        names = [each.name for each in stores.masters.living() if options["all"] or each.host == here]
        if not names:
            self.stdout.write("No Horizon process is running here.")
            return
        for name in names:
            stores.controls.send(name, Control.TERMINATE)
            outcome = telling("{name} was told to leave.", name=name)
            self.note("terminate", telling("Horizon process {name}", name=name), outcome, reason=options["reason"])
            self.stdout.write(outcome.english)
        if options["wait"]:
            self.wait(set(names), lambda: {each.name for each in stores.masters.living()}, within)

    def end_worker(self, stores: Stores, seconds: float | None, **options: Any) -> None:
        """Have one worker leave, or killed."""
        if options["all"]:
            raise CommandError("Give --worker or --all, not both.")
        name, kill = options["worker"], options["kill"]
        worker = end_worker(stores, name, by=account(), reason=options["reason"], kill=kill)
        outcome = telling(sent_words(kill=kill, has_master=bool(worker.master)), master=worker.master, name=name)
        subject = in_a_list(telling("told {name}", name="kill" if kill else "end"), telling("worker {name}", name=name))
        self.note("end worker", subject, outcome, reason=options["reason"])
        self.stdout.write(outcome.english)
        if options["wait"]:
            self.wait({name}, lambda: {each.name for each in stores.workers.living()}, seconds)

    def wait(self, names: set[str], living: Callable[[], set[str]], seconds: float | None) -> None:
        """Until none of them is alive."""
        deadline = time.monotonic() + (math.inf if seconds is None else seconds)
        while left := names & living():
            if time.monotonic() > deadline:
                raise CommandError(
                    f"Still there after {seconds} s: {', '.join(sorted(left))}. A long job may be running."
                )
            time.sleep(LOOK_SECONDS)
        self.stdout.write("All have left.")


def sent_words(*, kill: bool, has_master: bool) -> str:
    """Who was told what. Nobody but its Horizon process kills a worker."""
    if kill:
        return gettext_noop("Its Horizon process {master} was told to kill {name}.")
    if has_master:
        return gettext_noop("Its Horizon process {master} was told that {name} is to leave after its job.")
    return gettext_noop("The worker was told that {name} is to leave after its job.")
