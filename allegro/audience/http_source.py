"""Questions to sources that speak JSON over HTTP: guarded, bounded in time and size, and told in words when they fail.

httpx builds the requests and reads the answers; ``allegro.outbound`` carries them, so that no source can lead to a
private address, redirect elsewhere, or take longer than it was given.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from django.conf import settings

from allegro.audience.providers import ProviderFailed, SourceBusy
from allegro.outbound import LARGEST_ANSWER_BYTES, OutboundError, send
from allegro_queue.tellings import telling, told_by

LARGEST_PAGE_BYTES = 8 * 1024 * 1024

UNSAID_WAIT = 60.0
"""Seconds to leave a source alone that says "too many requests" and not for how long."""

YEAR_2001 = 1e9
"""A number of seconds above this is a moment, not a span."""


class GuardedTransport(httpx.BaseTransport):
    """Carries httpx's requests through ``allegro.outbound``, all of them before one deadline."""

    def __init__(self, *, seconds: float, largest: int) -> None:
        self.deadline = time.monotonic() + seconds
        self.largest = largest

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise OutboundError(f"{request.url.host} was not asked: there was no time left.")
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        answer = send(
            request.method,
            str(request.url),
            headers=headers,
            body=request.read(),
            # Rounded for the message that names it.
            seconds=round(remaining, 2),
            allow_private=settings.IS_LOCAL,
            largest=self.largest,
        )
        if answer.truncated:
            raise OutboundError(f"The answer is longer than {self.largest // 1024:,} KB.")
        # Nothing packed was asked for. To unpack it all the same could make much out of little.
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise OutboundError("The answer is compressed, which was not asked for.")
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.body, request=request)


class Source:
    """One organization's source, for as many questions as fit into ``seconds``."""

    def __init__(
        self,
        *,
        seconds: float,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        largest: int = LARGEST_ANSWER_BYTES,
    ) -> None:
        self._client = httpx.Client(
            transport=GuardedTransport(seconds=seconds, largest=largest), auth=auth, trust_env=False
        )
        self._client.headers = httpx.Headers(
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Connection": "close",
                "User-Agent": "Allegro-Sync",
                **(headers or {}),
            }
        )

    def get(self, url: str, params: Mapping[str, str] | None = None, etag: str = "") -> httpx.Response:
        """The source's answer: 200, 304 (only if ``etag`` was given) or 404.

        Raises:
            SourceBusy: it asks to be left alone.
            ProviderFailed: it did not answer, or answered anything else.
        """
        try:
            response = self._client.get(
                url, params=dict(params) if params else None, headers={"If-None-Match": etag} if etag else {}
            )
        except OutboundError as error:
            raise ProviderFailed(told_by(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise ProviderFailed(
                telling("The source could not be asked: {error}.", error=type(error).__name__)
            ) from error
        if response.status_code in (200, 404) or (response.status_code == 304 and etag):
            return response
        raise fault_of(response, time.time())


def fault_of(response: httpx.Response, now: float) -> ProviderFailed:
    """What an answer means that brings nothing."""
    status = response.status_code
    wait = retry_after(response, now)
    if status == 429 or (status == 503 and wait is not None):
        seconds = UNSAID_WAIT if wait is None else wait
        return SourceBusy(
            telling(
                "The source answered {status} and asks to be left alone for {seconds} s.",
                status=str(status),
                seconds=format(seconds, ".0f"),
            ),
            seconds,
        )
    if status in (401, 403):
        return ProviderFailed(
            telling("The source answered {status}: it does not accept the credential.", status=str(status))
        )
    return ProviderFailed(
        telling("The source answered {status}; expected 200, or 404 for an unknown member.", status=str(status))
    )


def retry_after(response: httpx.Response, now: float) -> float | None:
    """Seconds for which the source asks to be left alone; ``None`` when it does not say."""
    text = response.headers.get("retry-after", "").strip()
    if text:
        if (seconds := number(text)) is not None:
            return max(0.0, seconds)
        with suppress(ValueError, TypeError):
            return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    return reset_seconds(response, now)


def rest_seconds(response: httpx.Response, now: float) -> float:
    """Seconds of rest that an answer's rate-limit headers ask for: none while questions are left."""
    for name in ("ratelimit-remaining", "x-ratelimit-remaining"):
        left = number(response.headers.get(name, ""))
        if left is not None and left <= 0:
            return reset_seconds(response, now) or 0.0
    return 0.0


def reset_seconds(response: httpx.Response, now: float) -> float | None:
    """Seconds until the source counts anew; headers differ in whether they give a span or a moment."""
    for name in ("ratelimit-reset", "x-ratelimit-reset"):
        found = number(response.headers.get(name, ""))
        if found is not None:
            return max(0.0, found - now if found > YEAR_2001 else found)
    return None


def number(text: str) -> float | None:
    """A plain number without a sign, as headers have them."""
    digits = text.strip()
    return float(digits) if digits.replace(".", "", 1).isdigit() and digits.isascii() and len(digits) < 20 else None


def json_of(response: httpx.Response) -> Any:
    """The answer's body.

    Raises:
        ProviderFailed: it is not JSON.
    """
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError) as error:
        raise ProviderFailed(telling("The source's answer is not JSON.")) from error


def object_of(response: httpx.Response) -> dict[str, Any]:
    """The answer's body as a JSON object.

    Raises:
        ProviderFailed: it is anything else.
    """
    found = json_of(response)
    if not isinstance(found, dict):
        raise ProviderFailed(
            telling("The source's answer is a JSON {found}; expected an object.", found=type(found).__name__)
        )
    return found


def moment(text: Any) -> datetime | None:
    """An ISO 8601 time with its zone; ``None`` for anything else: a guess would be taken for the source's word."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
