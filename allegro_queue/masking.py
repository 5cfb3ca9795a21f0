"""Which parts of a payload are not shown: by the name they go by, or by what they look like. Pure.

Errs on the side of hiding: a page is seen by more people than a secret is meant for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

HIDDEN = "secret"
EMAIL = "e-mail"

SECRET_PARTS = ("token", "passw", "passphrase", "secret", "authori", "credential", "apikey", "cookie", "privatekey")
"""A key that contains one of these, whatever stands around it."""

SECRET_WORDS = frozenset({"key", "keys", "auth", "pwd", "pin", "otp", "jwt", "bearer", "session", "signature", "csrf"})
"""A key that has one of these as a word of its own: ``api_key``, ``sessionId``, but not ``monkey``."""

HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
WORD = re.compile(r"[^\W_]+")

EMAIL_KEYS = frozenset({"email", "mail", "emails"})

PATTERNS = re.compile(
    r"""
      (?P<email>[A-Z0-9._%+'&-]{1,64}@[A-Z0-9-]{1,63}(?:\.[A-Z0-9-]{1,63}){1,8})
    | (?P<jwt>eyJ[A-Z0-9_-]{8,}\.[A-Z0-9_-]{8,}\.[A-Z0-9_-]*)
    | (?:\b(?:bearer|basic)\s+)(?P<bearer>[A-Z0-9._~+/=-]{8,})
    | (?:://[^\s/:@]{0,100}:)(?P<userinfo>[^\s/@]{1,200})(?=@)
    | (?P<name>[A-Z0-9_-]{0,40}(?:token|passw(?:or)?d|secret|api_?key|signature|credential)[A-Z0-9_-]{0,40})
      ["']?\s{0,3}[=:]\s{0,3}["']?(?P<given>[^\s"'&,;)}\]]{1,400})
    """,
    re.VERBOSE | re.IGNORECASE,
)


SUSPECT = re.compile(r"@|eyj|bearer|basic|://|token|passw|secret|api_?key|signature|credential", re.IGNORECASE)
"""What every text that ``PATTERNS`` finds something in has somewhere. Cheap, where ``PATTERNS`` is not."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that is shown, or, where ``rule`` is not empty, one that is not."""

    text: str
    rule: str = ""


@lru_cache(maxsize=1_000)
def rule_for_key(key: str) -> str:
    """Why what goes by this name is not shown; empty when it is. Names come again and again."""
    words = [word.casefold() for word in WORD.findall(HUMP.sub(" ", key))]
    joined = "".join(words)
    if any(part in joined for part in SECRET_PARTS) or not SECRET_WORDS.isdisjoint(words):
        return HIDDEN
    return EMAIL if not EMAIL_KEYS.isdisjoint(words) and len(words) <= 2 else ""


def pieces(text: str) -> Iterator[Piece]:
    """A text in its stretches; what looks like an address or a secret is hidden, the rest stands."""
    shown_to = 0
    for match in PATTERNS.finditer(text) if SUSPECT.search(text) else ():
        group = next(name for name in ("email", "jwt", "bearer", "userinfo", "given") if match[name] is not None)
        start, end = match.span(group)
        if start > shown_to:
            yield Piece(text[shown_to:start])
        yield Piece("", EMAIL if group == "email" else HIDDEN)
        shown_to = end
    if shown_to < len(text):
        yield Piece(text[shown_to:])


def masked(text: str) -> str:
    """A text with ``[masked: …]`` for what is hidden."""
    return "".join(piece.text or f"[masked: {piece.rule}]" for piece in pieces(text))
