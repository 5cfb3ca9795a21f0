"""Every error the library raises on purpose, and the wording that they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HorizonError(Exception):
    """Something that the reader can mend; the message says where, what was found, and what would be right."""


class InvalidConfiguration(HorizonError):
    """The settings have faults. All of them are listed, so that one look mends all."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UnknownQueue(HorizonError):
    """A job was sent to a queue that the settings do not name."""


class InvalidJob(HorizonError):
    """A job cannot be dispatched as it was given: its function or one of its arguments."""


class JobNotAllowed(HorizonError):
    """A queued job names a function outside ``HORIZON["allowed_jobs"]``."""


class QueueUnavailable(HorizonError):
    """Redis did not answer or refused, so nothing was queued; the message names the fault."""

    def __init__(self, message: str, *, may_be_queued: bool = False) -> None:
        super().__init__(message)
        self.may_be_queued = may_be_queued
        """The one exception: each reply was lost, so that nobody can say whether the job is queued."""


class WorkerNotTold(HorizonError):
    """Nobody could be told to end a worker: it is gone, or nobody looks after it."""


class AlreadyRunning(HorizonError):
    """A master of this name lives on this host already."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the nearest known word, or the list of known words when none is near."""
    options = sorted(known)
    if near := nearest(word, options):
        return f"; did you mean {near!r}?"
    return f"; known are {', '.join(repr(option) for option in options)}."


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is meant, presumably; empty when none is near."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)), "")
