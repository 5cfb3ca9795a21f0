"""``manage.py horizon_pause [QUEUE …]``: hand out no new job."""

from __future__ import annotations

import getpass
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext_noop

from allegro_queue.durations import seconds_in
from allegro_queue.management.redis_command import RedisCommand
from allegro_queue.management.supervisor_controls import instruct
from allegro_queue.queues import check_queue
from allegro_queue.spans import lasting
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from allegro_queue.tellings import Telling, telling, verbatim


class Command(RedisCommand):
    help = (
        "Pause queues: running jobs finish, new ones pile up. Without a queue, all are paused. "
        "With --supervisor, the workers of that supervisor take no job, on every host, also after a restart."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queues", nargs="*", help="queues to pause (default: all)")
        parser.add_argument("--supervisor", default="", help="pause this supervisor instead of queues")
        parser.add_argument("--for", dest="duration", help="resume by itself after 30s, 15m, 2h or 1d")
        parser.add_argument("--reason", default="", help="why, for those who see the queue stand still")

    def run(self, stores: Stores, **options: Any) -> None:
        now = time.time()
        until = now + seconds_in(options["duration"]) if options["duration"] else None
        if options["supervisor"]:
            self.pause_supervisor(stores, until, **options)
            return
        for name in options["queues"]:
            check_queue(name)
        for name in options["queues"] or [ALL_QUEUES]:
            stores.pauses.pause(
                Pause(queue=name, since=now, until=until, by=getpass.getuser(), reason=options["reason"])
            )
            is_all = name == ALL_QUEUES
            subject = telling("all queues") if is_all else telling("queue {name}", name=name)
            outcome = telling(
                paused_words(is_all=is_all, for_a_time=until is not None), queue=name, time=time_of(options)
            )
            self.note("pause", subject, outcome, reason=options["reason"])
            self.stdout.write(outcome.english)

    def pause_supervisor(self, stores: Stores, until: float | None, **options: Any) -> None:
        """Tell every master that runs it."""
        if options["queues"]:
            raise CommandError("Give queues or --supervisor, not both.")
        told = instruct(
            stores,
            Instruction(
                control=Control.PAUSE,
                supervisor=options["supervisor"],
                until=until,
                by=getpass.getuser(),
                reason=options["reason"],
            ),
        )
        outcome = telling(
            gettext_noop("{name} is paused for {time} at {processes}. Running jobs finish.")
            if until
            else gettext_noop("{name} is paused at {processes}. Running jobs finish."),
            name=options["supervisor"],
            time=time_of(options),
            processes=", ".join(told),
        )
        subject = telling("supervisor {name}", name=options["supervisor"])
        self.note("pause", subject, outcome, reason=options["reason"])
        self.stdout.write(outcome.english)


def time_of(options: dict[str, Any]) -> Telling:
    """For how long, if anybody says."""
    return lasting(seconds_in(options["duration"])) if options["duration"] else verbatim("")


def paused_words(*, is_all: bool, for_a_time: bool) -> str:
    """What is said of a queue, or of all."""
    if is_all:
        if for_a_time:
            return gettext_noop("All queues are paused for {time}. Running jobs finish.")
        return gettext_noop("All queues are paused. Running jobs finish.")
    if for_a_time:
        return gettext_noop("{queue} is paused for {time}. Running jobs finish.")
    return gettext_noop("{queue} is paused. Running jobs finish.")
