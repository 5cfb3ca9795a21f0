"""How long a page waits for the database: its reader waits too, and a page without its counts is better than none.

All of a page must be there within ``Patience.seconds``, else it comes as "still counting" with a link that waits longer.
Half of that is what the parts get that a page can stand without.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

from django.http import HttpRequest
from django.utils.translation import gettext

from allegro_queue.access import wants_fragment
from allegro_queue.history.database import alias, database
from allegro_queue.history.time_limit import OutOfTime, within

FIRST = 2.0
"""Seconds for a reader who sees nothing yet."""

REFRESH = 10.0
"""Seconds for the page's own script, whose reader has a page to look at."""

ASKED = 30.0
"""Seconds for a reader who chose to wait."""

WAIT = "patient"
"""What the address holds then."""

WHO_KEEPS_IT = "SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE state <> 'idle'"
"""What PostgreSQL knows of statements that run, and of those that they wait for."""

SOON = 5
"""Seconds after which the script asks again for what was not there in time."""

Value = TypeVar("Value")


class Patience:
    """The time that is left for one answer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_late = False
        """Whether a part was left out."""
        self.begun = time.monotonic()

    def for_all(self) -> AbstractContextManager[None]:
        """Around the reading of a page.

        Raises:
            OutOfTime: on leaving, when it took too long.
        """
        self.begun = time.monotonic()
        return within(self.seconds)

    def for_part(self, read: Callable[[], Value], without: Value) -> Value:
        """What ``read`` gives, or ``without`` when that takes too long. Read such parts last: each leaves less time."""
        try:
            with within(self.begun + self.seconds / 2 - time.monotonic()):
                return read()
        except OutOfTime:
            self.is_late = True
            return without


def patience_with(request: HttpRequest) -> Patience:
    """How long the reader of this request waits."""
    if WAIT in request.GET:
        return Patience(ASKED)
    return Patience(REFRESH if wants_fragment(request) else FIRST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Late:
    """What a page says of that which was not there in time."""

    seconds: int
    """How long was waited."""
    address: str
    """This page, for a reader who chooses to wait."""
    longest: int
    """How long that is."""
    has_waited: bool
    """Whether this reader did."""
    remedy: str
    """What the command shows."""
    command: str


def late_with(request: HttpRequest, patience: Patience) -> Late:
    """In the words of this request."""
    query = request.GET.copy()
    query[WAIT] = "1"
    remedy, command = remedy_for(database().vendor, alias())
    return Late(
        seconds=round(patience.seconds),
        address=f"{request.path}?{query.urlencode()}",
        longest=round(ASKED),
        has_waited=patience.seconds >= ASKED,
        remedy=remedy,
        command=command,
    )


def remedy_for(vendor: str, name: str) -> tuple[str, str]:
    """What a command shows where a database of this kind takes long, and that command."""
    if vendor != "postgresql":
        return gettext("See whether the rest is well:"), "python manage.py horizon_status"
    return gettext("See what keeps it:"), f'python manage.py dbshell --database {name} -- -c "{WHO_KEEPS_IT}"'
