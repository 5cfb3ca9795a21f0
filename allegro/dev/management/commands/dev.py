"""``manage.py dev``: everything that Allegro is, in one terminal."""

from __future__ import annotations

import os
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from redis.exceptions import RedisError

from allegro.dev.children import Program
from allegro.dev.output import MergedLog
from allegro.dev.place import redis_folder
from allegro.dev.redis_server import RedisServer, ServerTrouble, make_private
from allegro.dev.seed import ADMIN_EMAIL, ADMIN_PASSWORD, seed
from allegro.dev.session import SIGNALS, Session
from allegro.dev.valkey import NoServer, server_binary
from allegro.env import ROOT
from allegro_queue.connection import address, new_client
from allegro_queue.inbox import SignalInbox
from allegro_queue.queues import current_plan

HOST = "127.0.0.1"
WEB_GRACE = 5
HORIZON_GRACE = 15
"""Seconds that Horizon gets beyond the grace of its workers, to end its scheduler and file what they did."""
CODE = ("allegro", "allegro_queue", "templates")


class Command(BaseCommand):
    help = (
        "Run everything for development: a Redis server (unless REDIS_HOST, REDIS_URL or REDIS_SENTINELS names one), "
        "the web server, Horizon with its workers and scheduler, in one log. Only in APP_ENV=local. "
        "Ctrl-C ends all of it; again, to not wait for running jobs. Exit codes: 0 stopped, 1 something failed."
    )

    # They run in handle(), once it is clear that this is the place for 'dev'.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-reload", action="store_false", dest="reload", help="do not start again when the code changes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_LOCAL:
            raise CommandError(
                f"'dev' runs only where APP_ENV is 'local'; it is {settings.APP_ENV!r}. It opens the dashboard to "
                "everybody on this machine and fills the database with made-up data. "
                "Set APP_ENV=local (copy .env.example to .env), or run 'manage.py horizon' and a web server."
            )
        self.check()
        refuse_a_taken_port(settings.PORT)
        try:
            make_private(ROOT / ".dev")
        except ServerTrouble as error:
            raise CommandError(str(error)) from error
        log = MergedLog(sys.stdout, colour=sys.stdout.isatty() and not settings.NO_COLOR and not options["no_color"])
        with ExitStack() as stack:
            # Signals are noted from here on, so that none of what follows is cut off half-way.
            inbox = stack.enter_context(SignalInbox(SIGNALS))
            server = start_server(stack)
            log.line("dev", describe(server))
            prepare_database()
            session = Session(
                programs(settings.PORT, longest_grace()),
                inbox=inbox,
                log=log,
                changes=watched(stack) if options["reload"] else list,
                trouble=server.trouble if server else lambda: "",
                is_ready=lambda: is_served(settings.PORT),
                welcome=welcome(),
            )
            code = session.run()
        if code:
            sys.exit(code)


def refuse_a_taken_port(port: int) -> None:
    """See that the web server will get its port, before anything is started."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except (OSError, OverflowError) as error:
        raise CommandError(
            f"Port {port} of {HOST} cannot be used ({error}). Name another one: PORT={port + 1} make dev"
        ) from error


def start_server(stack: ExitStack) -> RedisServer | None:
    """The server of this checkout, stopped when the stack unwinds; ``None`` where the environment names one.

    One that is named but does not answer is an error: with another in its place, jobs would go where nobody looks.
    """
    if settings.REDIS_IS_NAMED:
        with new_client() as client:
            try:
                client.ping()
            except RedisError as error:
                raise CommandError(
                    f"The environment names a Redis server at {address(client)}, which cannot be used ({error}). Start "
                    "it or mend REDIS_HOST, REDIS_URL or REDIS_SENTINELS; with none of them, 'dev' brings its own."
                ) from error
        return None
    try:
        server = RedisServer(redis_folder(ROOT), server_binary())
        server.start()
    except (NoServer, ServerTrouble) as error:
        raise CommandError(str(error)) from error
    stack.callback(server.stop)
    return server


def describe(server: RedisServer | None) -> str:
    """Which Redis carries the jobs."""
    if server is None:
        with new_client() as client:
            return f"Redis: {address(client)}, as the environment says."
    data = server.data.relative_to(ROOT)
    if server.shared:
        return f"Redis: shared with the other 'dev' of this checkout, and gone when that one ends (data in {data})."
    return f"Redis: {server.engine} of this checkout (data in {data})."


def watched(stack: ExitStack) -> Callable[[], list[Path]]:
    """A function that says which files of the code changed, until the stack unwinds."""
    # Here, since a production installation, which may ask for the help of this command, has no watchfiles.
    from allegro.dev.watch import CodeWatch

    watch = CodeWatch([ROOT / each for each in CODE])
    stack.callback(watch.stop)
    watch.start()
    return watch.take_changes


def prepare_database() -> None:
    """Bring the tables up to date and put in what is needed to look around; changes nothing the second time."""
    call_command("migrate", verbosity=0, interactive=False)
    seed(settings.SITE_URL)
    connections.close_all()


def programs(port: int, longest_grace: int) -> list[Program]:
    """What runs side by side, in the order of stopping: requests first, then the jobs that they queued.

    Horizon waits for the pages: the first job of all, the webhook that tells of the demo's endpoint, is sent to one.
    """
    manage = (sys.executable, "-u", str(ROOT / "manage.py"))
    web = (*manage, "runserver", "--noreload", "--skip-checks", f"{HOST}:{port}")
    return [
        Program(name="web", command=web, grace=WEB_GRACE, environment={"DJANGO_RUNSERVER_HIDE_WARNING": "true"}),
        Program(name="horizon", command=(*manage, "horizon"), grace=longest_grace + HORIZON_GRACE, needs_pages=True),
    ]


def longest_grace() -> int:
    """Seconds that some worker may take to finish its job."""
    return max((each.grace for each in current_plan().supervisors), default=0)


def is_served(port: int) -> bool:
    """Whether the web server takes connections."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def welcome() -> dict[str, str]:
    """Where to look, by what is there."""
    site = f"http://{HOST}:{settings.PORT}"
    mail = Path(settings.EMAIL_FILE_PATH) if settings.EMAIL_FILE_PATH else None
    return {
        "Dashboard": f"{site}/{settings.HORIZON['path']}/",
        "Admin": f"{site}/admin/  ({ADMIN_EMAIL}, password: {ADMIN_PASSWORD})",
        "Magic link": f"{site}/members/magic-link/",
        "Mail": f"{os.path.relpath(mail, ROOT)}/" if mail else "as EMAIL_URL says",
        "Stop": "Ctrl-C",
    }
