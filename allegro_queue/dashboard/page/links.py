"""Addresses of the pages, by name and query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def link_to(name: str, pairs: Iterable[tuple[str, Any]]) -> str:
    """The same with a query in which a name may stand more than once. Colons and commas stay readable."""
    address = link(name)
    given = [(key, value) for key, value in pairs if value not in (None, "")]
    return f"{address}?{urlencode(given, safe=':,')}" if address and given else address
