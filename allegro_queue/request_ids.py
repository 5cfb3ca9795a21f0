"""The id of the request that is being answered. Light, since every process that logs asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import uuid4

WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What is taken from a proxy. Anybody can send it, and it goes into logs and pages as it is."""

_current: ContextVar[str] = ContextVar("request_id", default="")


def id_from(given: str) -> str:
    """The proxy's id, where it is fit to be shown and logged; else a new one."""
    return given if WELL_FORMED.fullmatch(given) else uuid4().hex


@contextmanager
def answering(request_id: str) -> Iterator[None]:
    """What is logged inside belongs to this request."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)


def request_of_now() -> dict[str, object]:
    """The id of the request that is being answered, for log lines; nothing outside of one."""
    return {"request_id": mine} if (mine := _current.get()) else {}


def note_request(error: BaseException, request_id: str) -> None:
    """Have the traceback of an error end with the id, in the form of any log; once, however often it is noted."""
    note = f"request id {request_id}"
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
