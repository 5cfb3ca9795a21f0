"""Faults of providers in words that may be stored, logged and shown.

A provider is other people's code. The message of an error that it did not raise on purpose may hold what it was asked
with, a key or somebody's address; so such an error is told by its kind and its place alone.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import PurePath

from allegro.audience.providers import ProviderFailed, UnknownProvider
from allegro.sealing import CannotOpen
from allegro_queue.errors import HorizonError
from allegro_queue.tellings import Telling, told_by, verbatim

log = logging.getLogger(__name__)

LONGEST = 500

TOLD = (ProviderFailed, UnknownProvider, CannotOpen, HorizonError)
"""Errors whose message was written to be read."""


def words_of(error: BaseException) -> str:
    """What went wrong, in at most ``LONGEST`` characters."""
    return said_of(error).english[:LONGEST]


def said_of(error: BaseException) -> Telling:
    """What went wrong, to be told in any language where the words are ours."""
    if isinstance(error, TOLD):
        return told_by(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}, in {frames[-1].name}()" if frames else ""
    return verbatim(f"{type(error).__name__}{place}")


def told(error: Exception, provider: str) -> ProviderFailed:
    """The error as one whose message may be shown; where it came from is logged, without its message."""
    if isinstance(error, ProviderFailed):
        return error
    if not isinstance(error, TOLD):
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("provider broke provider=%s error=%s\n%s", provider, type(error).__name__, frames.rstrip())
    return ProviderFailed(said_of(error))
