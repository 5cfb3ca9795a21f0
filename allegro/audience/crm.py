"""A provider for any source that answers a GET with one member's profile as a JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ValidationError

from allegro.audience.models import Member
from allegro.audience.providers import AbstractSyncProvider, ProviderFailed
from allegro.outbound import OutboundError, parse_url, send

PLACE = "{email}"


class JsonProfileProvider(AbstractSyncProvider):
    """``GET`` of the account's URL, with the member's address put in for ``{email}``."""

    name = "json-profile"

    def check_account(self) -> None:
        url = self.account.url
        if PLACE not in url:
            raise ValidationError({"url": "The URL must hold {email}, which stands for the member's address."})
        try:
            target = parse_url(self.address_for("name@example.com"))
        except OutboundError as error:
            raise ValidationError({"url": str(error)}) from error
        if target.scheme != "https" and not settings.IS_LOCAL:
            raise ValidationError({"url": "The URL must begin with https://."})
        if PLACE in url.partition("://")[2].partition("/")[0]:
            raise ValidationError({"url": "{email} may stand in the path or query, not in the host."})

    def address_for(self, email: str) -> str:
        return self.account.url.replace(PLACE, quote(email, safe=""))

    def sync(self, member: Member, *, seconds: float) -> Mapping[str, Any]:
        try:
            answer = send(
                "GET",
                self.address_for(member.email),
                headers={"Accept": "application/json", "User-Agent": "Allegro-Sync"},
                seconds=seconds,
                allow_private=settings.IS_LOCAL,
            )
        except OutboundError as error:
            raise ProviderFailed(str(error)) from error
        if answer.status == 404:
            # The source does not know this member, which is an answer.
            return {}
        if answer.status != 200:
            raise ProviderFailed(f"The source answered {answer.status}; expected 200, or 404 for an unknown member.")
        try:
            payload = json.loads(answer.body)
        except ValueError as error:
            why = "is longer than 64 KB" if answer.truncated else "is not JSON"
            raise ProviderFailed(f"The source's answer {why}.") from error
        if not isinstance(payload, dict):
            raise ProviderFailed(f"The source's answer is a JSON {type(payload).__name__}; expected an object.")
        return payload
