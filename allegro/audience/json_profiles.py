"""A provider for any source that answers a GET with one member's profile as a JSON object, and may list them all."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import httpx
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from allegro.audience.http_source import LARGEST_PAGE_BYTES, Source, json_of, moment, object_of, rest_seconds
from allegro.audience.models import Member
from allegro.audience.providers import AbstractSyncProvider, Fetched, Known, Page, ProviderFailed
from allegro.outbound import LARGEST_ANSWER_BYTES, OutboundError, parse_url
from allegro_queue.tellings import telling, told_by

PLACE = "{email}"

ROWS = ("members", "items", "data", "results")
"""Where a list that is an object keeps its rows."""


class JsonProfileProvider(AbstractSyncProvider):
    """``GET`` of the account's URL, with the member's address put in for ``{email}``.

    ``updated_at`` in a profile, if it is an ISO 8601 time with a zone, says how new it is. A list is an array, or an
    object with one under ``members``, ``items``, ``data`` or ``results``; each row is a profile with its ``email``. It
    goes on where a ``Link`` header with ``rel="next"`` leads, or ``next`` in the object.
    """

    name = "json-profile"

    def check_account(self) -> None:
        url = self.account.url
        if PLACE not in url:
            raise ValidationError({"url": gettext("The URL must hold {email}, which stands for the member's address.")})
        check_url("url", self.address_for("name@example.com"))
        if PLACE in url.partition("://")[2].partition("/")[0]:
            raise ValidationError({"url": gettext("{email} may stand in the path or query, not in the host.")})
        if self.account.list_url:
            check_url("list_url", self.account.list_url)
        elif self.account.read_list:
            raise ValidationError({"list_url": gettext("To read the list first, give its URL.")})
        header = self.account.credential_header
        if self.account.sealed_credential and not header.replace("-", "").isalnum():
            raise ValidationError({"credential_header": gettext("Give the name of a header, such as Authorization.")})

    def address_for(self, email: str) -> str:
        return self.account.url.replace(PLACE, quote(email, safe=""))

    def source(self, seconds: float, largest: int) -> Source:
        credential = self.account.credential
        return Source(
            seconds=seconds,
            largest=largest,
            headers={self.account.credential_header: credential} if credential else None,
        )

    def sync(self, member: Member, known: Known, *, seconds: float) -> Fetched:
        response = self.source(seconds, LARGEST_ANSWER_BYTES).get(self.address_for(member.email), etag=known.etag)
        rest = rest_seconds(response, time.time())
        if response.status_code == 404:
            # The source does not know this member, which is an answer.
            return Fetched(rest_seconds=rest)
        if response.status_code == 304:
            return Fetched(unchanged=True, etag=known.etag, rest_seconds=rest)
        payload = object_of(response)
        return Fetched(
            payload=payload,
            etag=response.headers.get("etag", ""),
            changed_at=moment(payload.get("updated_at")),
            rest_seconds=rest,
        )

    def page(self, cursor: str, *, seconds: float) -> Page:
        response = self.source(seconds, LARGEST_PAGE_BYTES).get(cursor or self.account.list_url)
        if response.status_code == 404:
            raise ProviderFailed(telling("The source answered 404; expected a list."))
        found = json_of(response)
        rows = next((found[name] for name in ROWS if name in found), None) if isinstance(found, dict) else found
        if not isinstance(rows, list):
            raise ProviderFailed(
                telling(
                    "The source's list has no rows; expected an array, or one under {names}.", names=", ".join(ROWS)
                )
            )
        return Page(
            rows=tuple(row for row in map(row_of, rows) if row is not None),
            next_cursor=next_address(response, found),
            rest_seconds=rest_seconds(response, time.time()),
        )


def row_of(row: Any) -> tuple[str, Fetched] | None:
    """A row of a list; ``None`` when it has no address, which concerns nobody here."""
    email = row.get("email") if isinstance(row, dict) else None
    if not isinstance(email, str):
        return None
    return email.lower(), Fetched(payload=row, changed_at=moment(row.get("updated_at")))


def next_address(response: httpx.Response, found: Any) -> str:
    """Where the list goes on; empty at its end.

    Raises:
        ProviderFailed: it leads to another place, which must not see the credential.
    """
    said = response.links.get("next", {}).get("url") or (found.get("next") if isinstance(found, dict) else None)
    if not said:
        return ""
    here = response.request.url
    try:
        there = here.join(str(said))
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ProviderFailed(telling("The source's list goes on at a malformed URL.")) from error
    if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
        raise ProviderFailed(
            telling("The source's list goes on at another host, {host}; that is not followed.", host=there.host)
        )
    if there == here:
        raise ProviderFailed(telling("The source's list goes on at the page that was just read."))
    return str(there)


def check_url(field: str, url: str) -> None:
    """Raise ``ValidationError`` for the field unless a source may be at this URL."""
    try:
        target = parse_url(url)
    except OutboundError as error:
        raise ValidationError({field: told_by(error).words}) from error
    if target.scheme != "https" and not settings.IS_LOCAL:
        raise ValidationError({field: gettext("The URL must begin with https://.")})
