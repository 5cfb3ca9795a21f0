"""A middleware for ``bench/pages.py``: what an answer took of time, of the processor, of Redis and of the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.db import connections
from django.http import HttpRequest, HttpResponse
from redis.connection import AbstractConnection

HEADER = "X-Bench"

sent = threading.local()
"""How often this thread has sent something to Redis: a command, or a pipeline of them."""

send = AbstractConnection.send_packed_command


def counted(connection: Any, *arguments: Any, **options: Any) -> Any:
    sent.count = getattr(sent, "count", 0) + 1
    return send(connection, *arguments, **options)


AbstractConnection.send_packed_command = counted  # type: ignore[method-assign]


class Count:
    """Milliseconds, milliseconds of the processor, round trips and queries; the session's and the user's are among them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        queries = 0

        def count(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal queries
            queries += 1
            return execute(*arguments)

        sent.count = 0
        began, used = time.perf_counter(), time.thread_time()
        with ExitStack() as stack:
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(count))
            response = self._get_response(request)
        took, cpu = 1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - used)
        response[HEADER] = f"{took:.2f} {cpu:.2f} {sent.count} {queries}"
        return response
