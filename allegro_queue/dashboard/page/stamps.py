"""Whether what a reader has of a page still holds, so that it need not be drawn again to find out. Pure.

An ETag says when the page was drawn, under which stamp, and what came of it. The stamp is a digest of all that the page
depends on beside time: what was done since, who reads and what they may see, and what they ask for. No process keeps
anything, so it makes no difference which one answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

HELD_SECONDS = 12.0
"""How long a page is taken for unchanged while nothing is done: what time alone changes (an age, a beat that stopped, a time
that has passed) and what is written to the database by others than the collector comes that much later. Two polls of the
usual five seconds."""

TAG = re.compile(r'(?:W/)?"(?P<drawn>\d{1,15})-(?P<stamp>[0-9a-f]*)\.(?P<body>[0-9a-f]+)"')

CSRF_FIELD = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"')


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """What an ETag says."""

    drawn_ms: int
    """Unix time in milliseconds."""
    stamp: str
    """Empty when the page lacks something that it will have again without anybody's doing."""
    body: str

    def __str__(self) -> str:
        return f'"{self.drawn_ms}-{self.stamp}.{self.body}"'

    def holds(self, stamp: str, now: float) -> bool:
        """Whether it is still what it was, going by the stamp of now. (The clocks of two hosts differ a little.)"""
        return self.stamp == stamp != "" and 0 <= now - self.drawn_ms / 1000 < HELD_SECONDS


def drawn(body: bytes, stamp: str, now: float) -> Tag:
    """The tag of what was just drawn."""
    # Each form has its own token, and any of them does: a page is not another one for that.
    plain = CSRF_FIELD.sub(b"", body) if b"csrfmiddlewaretoken" in body else body
    return Tag(drawn_ms=int(now * 1000), stamp=stamp, body=blake2b(plain, digest_size=12).hexdigest())


def read_tag(given: str) -> Tag | None:
    """The tag of an If-None-Match; a proxy that compresses has made it a weak one. ``None`` when it is none of ours."""
    found = TAG.fullmatch(given.strip())
    if found is None:
        return None
    return Tag(drawn_ms=int(found["drawn"]), stamp=found["stamp"], body=found["body"])


def stamp_of(parts: Sequence[object]) -> str:
    """One stamp for all that a page depends on."""
    return blake2b(repr(parts).encode(), digest_size=12).hexdigest()
