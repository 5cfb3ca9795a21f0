"""A process that has loaded the libraries, and nothing of the project: what is forked from it need not load them again.

A forked ``manage.py`` is a process like any other, with its own session, environment, signals and exit code; it reads
the settings and loads the project itself. It only is there half a second of work earlier, and tests start hundreds.

python -m tests.support.nursery <file descriptor of its end of a socket>
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

from setproctitle import setproctitle

LIBRARIES = (
    "asgiref.sync",
    "cron_descriptor",
    "croniter",
    "cryptography.fernet",
    "csp.checks",
    "django.contrib.admin.options",
    "django.core.mail",
    "django.core.management.commands.check",
    "django.db.backends.sqlite3.base",
    "django.db.models",
    "django.forms",
    "django.template.defaulttags",
    "django.template.loader",
    "django.urls",
    "django.views.generic",
    "environ",
    "httpcore",
    "httpx",
    "prometheus_client",
    "pydantic.types",
    "redis.asyncio",
    "redis.sentinel",
    "rq.serializers",
    "rq_scheduler.scheduler",
    "standardwebhooks",
    "whitenoise.middleware",
)
"""Those that read no settings when they are imported."""

MOST = 1 << 20
"""Bytes of a request: an environment and a command line."""


def main() -> None:
    """Fork and report until the tests have gone; what they leave behind is killed, however they ended."""
    for each in LIBRARIES:
        importlib.import_module(each)
    # Here, since it finds its place by the environment that the process was started with.
    setproctitle("nursery of tests")
    gc.freeze()
    channel = socket.socket(fileno=int(sys.argv[1]))
    running: set[int] = set()
    while True:
        words, files, *_ = socket.recv_fds(channel, MOST, 3)
        if not words:
            for pid in running:
                # One that was only just forked has no session of its own yet.
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            return
        asked = json.loads(words)
        if "ended" in asked:
            code = status_of(asked["ended"])
            if code is not None:
                running.remove(asked["ended"])
            channel.send(json.dumps(code).encode())
            continue
        pid = os.fork()
        if pid == 0:
            channel.close()
            become(asked, files)
            return
        running.add(pid)
        for each in files:
            os.close(each)
        channel.send(json.dumps(pid).encode())


def status_of(pid: int) -> int | None:
    """The exit code of a child that has ended, negative when a signal killed it; ``None`` while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def become(asked: dict[str, Any], files: list[int]) -> None:
    """Be the program that is asked for."""
    os.setsid()
    for place, each in enumerate(files):
        os.dup2(each, place)
        os.close(each)
    os.environ.clear()
    os.environ.update(asked["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = asked["command"]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
