"""Who is told by alerts: a mail server and a web server that keep what they are given, and what to wait for in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from allegro_queue.alerts.rules import RULES
from tests.support.eventually import eventually
from tests.support.mail_sink import MailSink, mail_sink

IMPATIENT = {
    "longest_wait": 1,
    "missed_tick": 2,
    "snapshot_stale": 4,
    "paused_long": 2,
    # A supervisor that cannot keep its workers is found at once; so many deaths would be news for ten minutes.
    "crash_loop": 1_000,
}
"""Thresholds that a test can wait for."""


class Ears:
    """Two people: one reads mail, the other gets the hook. Each message of theirs is a number of lines."""

    def __init__(self, mails: MailSink, hook: str) -> None:
        self._mails = mails
        self._hook = hook
        self.hooked: list[str] = []
        self._heard = [0, 0]
        """Where to look for the next faults, of each."""

    def lines(self) -> tuple[list[str], list[str]]:
        mails = [self._mails.body(place) for place in range(len(self._mails.mails))]
        mailed, hooked = [[line for text in texts for line in text.splitlines()] for texts in (mails, self.hooked)]
        return mailed, hooked

    def told(self, *words: str, explain: Callable[[], str]) -> None:
        """Wait until both were told of faults that are said in these words, since the faults before."""
        self._heard = self._hear(words, lambda line: not line.startswith(("Over", "Still")), explain)

    def told_it_is_over(self, *words: str, explain: Callable[[], str]) -> None:
        """The same of the ends of faults."""
        self._hear(words, lambda line: line.startswith("Over after"), explain)

    def _hear(self, words: tuple[str, ...], fits: Callable[[str], bool], explain: Callable[[], str]) -> list[int]:
        """For each of the two, the place after the first of the lines."""

        def places() -> list[int]:
            found = []
            for heard, lines in zip(self._heard, self.lines(), strict=True):
                of_each = [
                    [
                        place
                        for place, line in enumerate(lines)
                        if place >= heard and each in line.lower() and fits(line)
                    ]
                    for each in words
                ]
                found.append(min(each[0] for each in of_each) + 1 if all(of_each) else 0)
            return found

        return eventually(
            lambda: all(found := places()) and found,
            within=40,
            explain=lambda: f"{words} after {self._heard} in {self.lines()}\n{explain()}",
        )

    def settings(self, **changes: Any) -> dict[str, str]:
        """For a process: both of them as channels, and rules that fire at once and are over at once.

        Args:
            changes: other keys of ``HORIZON``.
        """
        rules = {
            name: {"for": 0, "clear": 0, **({"threshold": IMPATIENT[name]} if name in IMPATIENT else {})}
            for name in RULES
        }
        channels = {"mail": {"mail": ["ops@example.com"]}, "hook": {"apprise": self._hook}}
        horizon = {"alerts": {"channels": channels, "rules": rules}, "waits": {}, **changes}
        return {
            "DJANGO_SETTINGS_MODULE": "tests.support.supervised",
            "TEST_SUPERVISORS": json.dumps({"supervisor-1": {"queue": ["high", "default", "audience-sync"]}}),
            "TEST_HORIZON": json.dumps(horizon),
            "EMAIL_URL": f"smtp://127.0.0.1:{self._mails.port}",
        }


@contextmanager
def ears(httpserver: HTTPServer) -> Iterator[Ears]:
    """Both, listening."""
    with mail_sink() as mails:
        found = Ears(mails, f"json://localhost:{httpserver.port}/hook")

        def take(request: Request) -> Response:
            found.hooked.append(json.loads(request.data)["message"])
            return Response()

        httpserver.expect_request("/hook").respond_with_handler(take)
        yield found
