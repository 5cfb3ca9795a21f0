"""Addresses of the pages, by name and query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse


def link(name: str, query: Mapping[str, Any] | None = None, **places: Any) -> str:
    """Address of a page of the dashboard; empty text when it is not mounted, so that nothing points nowhere."""
    try:
        address = reverse(f"horizon:{name}", kwargs=places or None)
    except NoReverseMatch:
        return ""
    given = {key: value for key, value in (query or {}).items() if value not in (None, "")}
    return f"{address}?{urlencode(given)}" if given else address
