"""``manage.py horizon``: supervise workers, scheduler, collector and alerts until told to leave. Puts the parts together."""

from __future__ import annotations

import re
import secrets
import socket
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from setproctitle import setproctitle

from allegro_queue.conf import horizon_settings, queue_configs
from allegro_queue.connection import page_client
from allegro_queue.errors import AlreadyRunning, InvalidConfiguration
from allegro_queue.inbox import SignalInbox
from allegro_queue.management.children import maintenance_of, singles_of, supervisors_of
from allegro_queue.plan import Plan, build_plan
from allegro_queue.queues import all_queues
from allegro_queue.stores import open_stores
from allegro_queue.supervision.master import LOOK_SECONDS, Master, Settlers
from allegro_queue.supervision.process import HEARD
from allegro_queue.supervisor_options import Balance, SupervisorOptions
from allegro_queue.workers.child import prepare
from allegro_queue.workers.housekeeping import keep_house
from allegro_queue.workers.settling import settle
from allegro_queue.workers.sweeping import Sweeper


class Command(BaseCommand):
    help = (
        "Supervise the workers of this host, the scheduler, the collector and the alerts. "
        "INT and TERM finish running jobs and leave (a second one stops them), USR1 restarts the workers, "
        "USR2 pauses, CONT continues."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--environment", help="name of the environment whose overrides apply (default: that of the settings)"
        )
        parser.add_argument(
            "--name",
            type=master_name,
            help="name of this process; a second one of the same name is refused (default: the host's name and four digits)",
        )

    def handle(self, *args: Any, environment: str | None = None, name: str | None = None, **options: Any) -> None:
        plan = self.plan(environment)
        name = name or f"{socket.gethostname()}-{secrets.token_hex(2)}"
        setproctitle("horizon master")
        # As impatient as a page: while Redis does not answer, the children must be looked after all the same.
        stores = open_stores(page_client())
        prepare()
        # Children must not share the connections of their parent.
        connections.close_all()
        sweeper = Sweeper(stores, every=LOOK_SECONDS)
        settlers = Settlers(
            settle=lambda worker, pid, ending, begun: settle(
                stores, worker, host=socket.gethostname(), pid=pid, reason=ending, begun=begun
            ),
            sweep=lambda now, living, leads: sweeper.look(now, spare=living, may_settle=leads),
            keep_house=lambda: keep_house(stores, all_queues(), time.time()),
        )
        with suppress(OSError):
            # A full disk under the output must keep no job from running.
            self.say(plan, name)
        with SignalInbox(HEARD) as inbox:
            try:
                Master(
                    name,
                    plan,
                    supervisors_of(plan, name),
                    singles=singles_of(name),
                    stores=stores,
                    settlers=settlers,
                    inbox=inbox,
                    queues=all_queues(),
                    maintenance=maintenance_of(horizon_settings().maintenance),
                ).run()
            except AlreadyRunning as error:
                raise CommandError(str(error)) from error
        with suppress(OSError):
            self.stdout.write(f"Horizon {name} has left.")

    def plan(self, environment: str | None) -> Plan:
        """The plan, or every fault at once."""
        try:
            settings = horizon_settings()
            if environment:
                settings = replace(settings, environment=environment)
            return build_plan(settings, queue_configs())
        except InvalidConfiguration as error:
            raise CommandError(f"Horizon cannot start; mend these:\n{error}") from error

    def say(self, plan: Plan, name: str) -> None:
        """One line a supervisor, and loudly when nothing will run."""
        self.stdout.write(f"Horizon {name} runs in {plan.environment}.")
        if plan.notice:
            self.stderr.write(self.style.ERROR(plan.notice))
        for each in plan.supervisors:
            self.stdout.write(f"  {each.name}: {size(each)} on {order(each.queue, each.balance)}")
        self.stdout.flush()


def master_name(given: str) -> str:
    """A name that can be part of a Redis key and of a log line as it is."""
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) is None:
        raise ArgumentTypeError(f"{given!r} is no name; use up to 64 letters, digits, '.', '_' and '-'.")
    return given


def size(options: SupervisorOptions) -> str:
    """How many workers a supervisor may have, in words."""
    fewest = options.min_processes * (len(options.queue) if options.balance else 1)
    most = options.max_processes
    if options.balance == "simple" or fewest == most:
        return "1 worker" if most == 1 else f"{most} workers"
    return f"{fewest} to {most} workers"


def order(queues: Sequence[str], balance: Balance) -> str:
    """Queues in words: ``a > b`` is strict order, ``a, b`` is none."""
    return f"{', '.join(queues)} (balance: {balance})" if balance else " > ".join(queues)
