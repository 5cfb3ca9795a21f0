"""A provider for Mailchimp: one audience's members with their merge fields, by its Marketing API (version 3).

A key ends in the data centre that knows it, as in ``…-us21``. Mailchimp allows ten questions at once for an account and
answers 429 to more; what it says of a member carries the time of the last change.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from allegro.audience.http_source import LARGEST_PAGE_BYTES, Source, moment, object_of, rest_seconds
from allegro.audience.json_profiles import check_url
from allegro.audience.models import Member
from allegro.audience.providers import AbstractSyncProvider, Fetched, Known, Page, ProviderFailed
from allegro.outbound import LARGEST_ANSWER_BYTES, parse_url
from allegro_queue.tellings import telling
from allegro_queue.wording import worded

KEY = re.compile(r"\A[0-9a-zA-Z]+-(?P<centre>[a-z]{2,4}[0-9]{1,3})\Z")
LIST_ID = re.compile(r"\A[0-9a-zA-Z]{4,50}\Z")
HOSTS = ".api.mailchimp.com"

KEPT = ("status", "merge_fields", "tags", "interests", "language", "vip", "member_rating", "timestamp_opt")
"""What is kept of a member. Addresses, places and histories of opened mails are not asked for."""

PAGE_SIZE = 1000
"""The most that Mailchimp gives at once."""

KNOWN_FOR = 600.0
"""Seconds for which an audience that was found is believed to be there."""

_found: dict[tuple[str, str], float] = {}


class MailchimpProvider(AbstractSyncProvider):
    """The account's credential is the API key, its ``list_id`` the audience. ``url`` names a stand-in, in local only."""

    name = "mailchimp"

    def check_account(self) -> None:
        if not LIST_ID.match(self.account.list_id):
            raise ValidationError({"list_id": gettext("Give the audience's id, such as a1b2c3d4e5.")})
        if not KEY.match(self.account.credential):
            # Not "credential": that is no field of the model.
            raise ValidationError(gettext("The API key must end in its data centre, such as -us21."))
        if self.account.url:
            check_url("url", self.account.url)
            if not settings.IS_LOCAL and not parse_url(self.account.url).host.endswith(HOSTS):
                raise ValidationError(
                    {
                        "url": worded(
                            gettext("Leave this empty; the key is sent to hosts under {host} only."), host=HOSTS[1:]
                        )
                    }
                )

    def address(self, path: str) -> str:
        """A resource of the audience."""
        root = self.account.url.rstrip("/")
        if not root:
            found = KEY.match(self.account.credential)
            if found is None:
                raise ProviderFailed(
                    telling("The API key is missing or does not end in its data centre, such as -us21.")
                )
            root = f"https://{found['centre']}{HOSTS}/3.0"
        return f"{root}/lists/{self.account.list_id}{path}"

    def source(self, seconds: float, largest: int = LARGEST_ANSWER_BYTES) -> Source:
        # Any user name does.
        return Source(seconds=seconds, largest=largest, auth=("allegro", self.account.credential))

    def sync(self, member: Member, known: Known, *, seconds: float) -> Fetched:
        source = self.source(seconds)
        params = {"fields": ",".join((*KEPT, "last_changed"))}
        response = source.get(self.address(f"/members/{subscriber_hash(member.email)}"), params, etag=known.etag)
        rest = rest_seconds(response, time.time())
        if response.status_code == 304:
            return Fetched(unchanged=True, etag=known.etag, rest_seconds=rest)
        if response.status_code == 404:
            self.make_sure_of_the_audience(source)
            return Fetched(rest_seconds=rest)
        return fetched_of(object_of(response), etag=response.headers.get("etag", ""), rest=rest)

    def make_sure_of_the_audience(self, source: Source) -> None:
        """Mailchimp answers 404 for an unknown member and for an unknown audience alike; a wrong id must empty nobody.

        Raises:
            ProviderFailed: there is no such audience.
        """
        audience = self.address("")
        key = (audience, self.account.sealed_credential)
        if time.monotonic() - _found.get(key, -KNOWN_FOR) < KNOWN_FOR:
            return
        if source.get(audience, {"fields": "id"}).status_code == 404:
            raise ProviderFailed(telling("Mailchimp knows no audience {id}.", id=self.account.list_id))
        _found[key] = time.monotonic()

    def page(self, cursor: str, *, seconds: float) -> Page:
        offset = int(cursor or 0)
        fields = ("email_address", *KEPT, "last_changed")
        params = {
            "count": str(PAGE_SIZE),
            "offset": str(offset),
            "fields": ",".join(["total_items", *(f"members.{each}" for each in fields)]),
        }
        response = self.source(seconds, LARGEST_PAGE_BYTES).get(self.address("/members"), params)
        if response.status_code == 404:
            raise ProviderFailed(telling("Mailchimp knows no audience {id}.", id=self.account.list_id))
        found = object_of(response)
        rows = found.get("members")
        if not isinstance(rows, list):
            raise ProviderFailed(telling("Mailchimp's list has no members in it."))
        total = found.get("total_items")
        goes_on = bool(rows) and (len(rows) == PAGE_SIZE or (isinstance(total, int) and offset + len(rows) < total))
        return Page(
            rows=tuple(
                (row["email_address"].lower(), fetched_of(row))
                for row in rows
                if isinstance(row, dict) and isinstance(row.get("email_address"), str)
            ),
            next_cursor=str(offset + len(rows)) if goes_on else "",
            rest_seconds=rest_seconds(response, time.time()),
        )


def fetched_of(row: dict[str, Any], etag: str = "", rest: float = 0) -> Fetched:
    """What is kept of Mailchimp's words on a member."""
    return Fetched(
        payload={name: row[name] for name in KEPT if name in row},
        etag=etag,
        changed_at=moment(row.get("last_changed")),
        rest_seconds=rest,
    )


def subscriber_hash(email: str) -> str:
    """Mailchimp's name for a member: it is no secret and protects nothing."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()
