"""What all links that sign somebody in by mail have in common, for members and for staff.

A link's token and code are made from the secret key and the link's id whenever they are needed, and are stored nowhere.
So a mail that is made a second time, after a crash, holds the same link as the first; what a database or a queue gives
away opens nothing. How long a link lives, how many may be asked for, and that the newest wins are this port's own choices.
"""

from __future__ import annotations

import base64
import hashlib
import math
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy, ngettext

from allegro.forgetting import forget

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

FOR_AN_ADDRESS = ((3, MINUTE), (20, HOUR))
"""Links that may be asked for, for one address. The second keeps anybody from filling an inbox by patience."""

FROM_A_NETWORK = ((20, MINUTE), (300, HOUR))
"""Links that may be asked for, from one network: an office behind one address is one network."""

CODE_DIGITS = 6
MOST_CODE_TRIES = 5
"""Codes that may be typed for one link."""

MOST_CODE_TRIES_AN_HOUR = 15
"""Codes that may be typed for one address: new links bring no new tries without end."""

TOKEN_PARAMETER = "allegro_token"  # noqa: S105 - a name, not a secret
LONGEST_TOKEN = 64

KEPT = timedelta(days=30)
"""How long requests are kept."""

MOST_FORGOTTEN_AT_ONCE = 10_000


class TooManyRequests(Exception):
    """Too many links were asked for; ``wait_seconds`` says when the next may be."""

    def __init__(self, wait_seconds: int) -> None:
        self.wait_seconds = wait_seconds
        words = ngettext(
            "Too many links were asked for. Try again in {n} second.",
            "Too many links were asked for. Try again in {n} seconds.",
            wait_seconds,
        )
        super().__init__(words.format(n=wait_seconds))


class MailedLink(models.Model):
    """One request; it points at an address, not at a person, so that known and unknown addresses look the same here."""

    id = models.UUIDField(gettext_lazy("id"), primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(gettext_lazy("e-mail address"), max_length=254)
    network = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text=gettext_lazy("From where it was asked for, as a keyed hash."),
    )
    language = models.CharField(
        max_length=35,
        blank=True,
        db_default="",
        editable=False,
        help_text=gettext_lazy("In which it was asked for, and is mailed; empty for the site's."),
    )
    token_hash = models.CharField(
        max_length=64, null=True, unique=True, editable=False, help_text=gettext_lazy("Empty until the mail is made.")
    )
    requested_at = models.DateTimeField(gettext_lazy("requested at"), default=timezone.now)
    sent_at = models.DateTimeField(gettext_lazy("sent at"), null=True, blank=True)
    expires_at = models.DateTimeField(gettext_lazy("expires at"), null=True, blank=True)
    used_at = models.DateTimeField(gettext_lazy("used at"), null=True, blank=True)
    voided_at = models.DateTimeField(
        gettext_lazy("voided at"), null=True, blank=True, help_text=gettext_lazy("When a newer link took its place.")
    )

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["-requested_at"]

    def __str__(self) -> str:
        return f"{self.email}, {self.requested_at:%Y-%m-%d %H:%M}"


Link = TypeVar("Link", bound=MailedLink)


def life() -> timedelta:
    """How long a link works, from the moment its mail is made."""
    return timedelta(minutes=settings.MAGIC_LINK_MINUTES)


def token_of(link: MailedLink) -> str:
    """The secret part of a link."""
    return base64.urlsafe_b64encode(keyed("token", link).digest()).rstrip(b"=").decode("ascii")


def code_of(link: MailedLink) -> str:
    """The digits that may be typed instead, in the browser that asked."""
    return f"{int.from_bytes(keyed('code', link).digest()) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def keyed(purpose: str, link: MailedLink) -> Any:
    """A hash of the link under the secret key, another one for each purpose and kind of link."""
    return salted_hmac(f"allegro.mailed_links.{link._meta.label_lower}.{purpose}", str(link.pk), algorithm="sha256")


def address_of(view: str, token: str) -> str:
    """Where a link leads: to ``SITE_URL``, never to the host that a request named."""
    return f"{settings.SITE_URL}{reverse(view)}?{urlencode({TOKEN_PARAMETER: token})}"


def language_of(link: MailedLink) -> str:
    """In which language the link is mailed: the reader's, as far as it is known."""
    return link.language or str(settings.LANGUAGE_CODE)


def is_code(link: MailedLink, given: str) -> bool:
    """Whether these are the link's digits; spaces between them are forgiven."""
    return constant_time_compare("".join(given.split()).encode(), code_of(link).encode())


def hash_of(token: str) -> str:
    """What is stored of a token. It is long and random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def refuse_a_flood(same_address: models.QuerySet[Link], same_network: models.QuerySet[Link], now: datetime) -> None:
    """Raise ``TooManyRequests`` if the address or the network has used up its requests. The caller holds a lock."""
    for rows, limits in ((same_address, FOR_AN_ADDRESS), (same_network, FROM_A_NETWORK)):
        for most, window in limits:
            recent = rows.filter(requested_at__gt=now - window).order_by("-requested_at")
            # The oldest of those that fill the window: when it has left, there is room for one.
            oldest = recent.values_list("requested_at", flat=True)[most - 1 : most].first()
            if oldest is not None:
                raise TooManyRequests(max(1, math.ceil((oldest + window - now).total_seconds())))


def make_ready(link: Link, same_address: models.QuerySet[Link], now: datetime) -> str | None:
    """Have the link work from now on. Earlier ones of the address work until its mail is out: ``note_sent``.

    Returns:
        Its token; ``None`` when the request is used, replaced, run out, or too old to answer.
    """
    token = token_of(link)
    made = (
        wanted_links(same_address, now)
        .filter(pk=link.pk)
        .update(
            token_hash=hash_of(token),
            expires_at=models.functions.Coalesce("expires_at", models.Value(now + life(), models.DateTimeField())),
        )
    )
    return token if made else None


def note_sent(link: Link, same_address: models.QuerySet[Link], now: datetime) -> None:
    """Its mail is out, so that every earlier link of the address works no more. Not before: until then one of those may be
    all that its reader has."""
    same_address.filter(pk=link.pk).update(sent_at=now)
    earlier = open_links(same_address).filter(requested_at__lte=link.requested_at).exclude(pk=link.pk)
    earlier.update(voided_at=now)


def wanted_links(rows: models.QuerySet[Link], now: datetime) -> models.QuerySet[Link]:
    """Requests whose mail may be made: neither used, replaced, run out, nor too old to answer."""
    fresh = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=now)
    return open_links(rows).filter(fresh, requested_at__gt=now - life())


def open_links(rows: models.QuerySet[Link]) -> models.QuerySet[Link]:
    """Requests that are neither used nor replaced."""
    return rows.filter(used_at__isnull=True, voided_at__isnull=True)


def live_links(rows: models.QuerySet[Link], token: str, now: datetime) -> models.QuerySet[Link]:
    """The one request with this token, while it may be used."""
    return open_links(rows).filter(token_hash=hash_of(token), expires_at__gt=now)


def forget_old(rows: models.QuerySet[Link], now: datetime) -> int:
    """Delete requests past their days, so many at a time; how many."""
    return forget(rows.filter(requested_at__lt=now - KEPT), most=MOST_FORGOTTEN_AT_ONCE)
