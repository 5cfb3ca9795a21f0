"""How the API answers: JSON with an ETag; what is wrong as where, what and what would be right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request, or why it was not done."""

    where: str
    """Part of the request: ``query limit``, ``body reason``, ``path job_id``, ``header Authorization``."""
    what: str
    right: str
    """What would be right."""


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, where: str, what: str, right: str = "") -> None:
        super().__init__(what)
        self.status = status
        self.problem = Problem(where, what, right)


def problems(status: int, found: Sequence[Problem], headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An error as JSON."""
    body = json.dumps({"errors": [asdict(each) for each in found]})
    return HttpResponse(body, status=status, content_type=JSON, headers=dict(headers or {}))


def problem(
    status: int, where: str, what: str, right: str = "", headers: Mapping[str, str] | None = None
) -> HttpResponse:
    return problems(status, [Problem(where, what, right)], headers)


def with_etag(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """304 when the reader has these very bytes already."""
    etag = f'"{hashlib.blake2b(response.content, digest_size=16).hexdigest()}"'
    had = {each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")}
    if etag in had:
        return HttpResponseNotModified(headers={"ETag": etag})
    response["ETag"] = etag
    return response
