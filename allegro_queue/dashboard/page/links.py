"""Addresses of the pages, by name and query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.translation import get_language


def link(name: str, query: Mapping[str, Any] | None = None, **places: Any) -> str:
    """Address of a page of the dashboard; empty text when it is not mounted, so that nothing points nowhere."""
    try:
        address = kept(
            name, get_urlconf() or settings.ROOT_URLCONF, get_script_prefix(), get_language(), tuple(places.items())
        )
    except NoReverseMatch:
        return ""
    given = {key: value for key, value in (query or {}).items() if value not in (None, "")}
    return f"{address}?{urlencode(given)}" if given else address


@lru_cache(maxsize=4_000)
def kept(name: str, urlconf: str, prefix: str, language: str | None, places: tuple[tuple[str, Any], ...]) -> str:
    """Address of a page, worked out once: a list has hundreds of links, and a refresh has them again.

    Args:
        urlconf, prefix, language: what an address may depend on besides.
    """
    return reverse(f"horizon:{name}", kwargs=dict(places))


def link_to(name: str, pairs: Iterable[tuple[str, Any]]) -> str:
    """The same with a query in which a name may stand more than once. Colons and commas stay readable."""
    address = link(name)
    given = [(key, value) for key, value in pairs if value not in (None, "")]
    return f"{address}?{urlencode(given, safe=':,')}" if address and given else address
