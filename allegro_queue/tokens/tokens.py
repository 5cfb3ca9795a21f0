"""Making, finding and revoking API tokens."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from allegro_queue.errors import HorizonError, did_you_mean
from allegro_queue.rights import Right
from allegro_queue.tellings import telling
from allegro_queue.tokens.models import ApiToken

BEGINNING = "hzn_"
"""Start of every token, so that a scanner for leaked secrets can know one."""

SHOWN = 10
"""Characters of a token that are kept."""

NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
MOST_DAYS = 3_650
USED_SECONDS = 60
"""How exactly the time of the last use is kept."""


class InvalidToken(HorizonError):
    """A token cannot be made or revoked as asked."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new token, and its text, which is shown once."""

    token: ApiToken
    text: str


def make(
    name: str, rights: Collection[str], *, now: datetime, made_by: str, author: Any = None, days: int | None = None
) -> Made:
    """Make a token; ``VIEW`` comes with every right.

    Args:
        author: the user whose rights bound it; none for one that only its own rights bound.
        days: how long it holds; ``None`` for ever.

    Raises:
        InvalidToken: the name, a right or the days are none; the message says which and what would be right.
    """
    name = name.strip()
    if not NAME.fullmatch(name):
        raise InvalidToken(telling("A token needs a name of up to 100 characters that says what it is for."))
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise InvalidToken(f"The days are {days}; give a number from 1 to {MOST_DAYS:,}.")
    known = {right.value for right in Right}
    for each in rights:
        if each not in known:
            raise InvalidToken(f"There is no right {each[:100]!r}{did_you_mean(each[:100], known)}")
    text = BEGINNING + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        name=name,
        hash=hash_of(text),
        prefix=text[:SHOWN],
        rights=sorted({Right.VIEW.value, *rights}),
        author=author,
        made_by=made_by[:254],
        created_at=now,
        expires_at=now + timedelta(days=days) if days is not None else None,
    )
    return Made(token, text)


def hash_of(text: str) -> str:
    """What a token is found by. It has 256 random bits, so a plain hash cannot be guessed back; and a look-up by hash takes
    the same time for one that is nearly right as for one that is not."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def find(text: str, now: datetime) -> ApiToken | None:
    """The token of a text, if it holds now."""
    return holding(now).select_related("author").filter(hash=hash_of(text)).first()


def holding(now: datetime) -> QuerySet[ApiToken]:
    """Tokens that are neither revoked nor over."""
    return ApiToken.objects.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))


def note_use(token: ApiToken, now: datetime) -> None:
    """Note when it was last used, once a minute at most."""
    before = now - timedelta(seconds=USED_SECONDS)
    if token.used_at is None or token.used_at < before:
        ApiToken.objects.filter(Q(used_at=None) | Q(used_at__lt=before), pk=token.pk).update(used_at=now)


def rights_in(token: ApiToken) -> frozenset[Right]:
    """Its rights; a name that this version does not know gives none."""
    known = {right.value: right for right in Right}
    return frozenset(known[each] for each in token.rights if each in known)


def revoke(token_id: int, now: datetime) -> ApiToken:
    """Have a token hold no longer, at the next request.

    Raises:
        InvalidToken: there is none of this id, or it is revoked already.
    """
    if not ApiToken.objects.filter(pk=token_id, revoked_at=None).update(revoked_at=now):
        raise InvalidToken(
            telling("There is no token {number} that holds; it may be revoked already.", number=str(token_id))
        )
    return ApiToken.objects.get(pk=token_id)


def listed(author: Any = None) -> Sequence[ApiToken]:
    """Tokens, the newest first: of one author, or all."""
    rows = ApiToken.objects.select_related("author")
    return list((rows.filter(author=author) if author is not None else rows)[:500])
