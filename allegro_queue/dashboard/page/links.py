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
        address = (
            reverse(f"horizon:{name}", kwargs=places)
            if places
            else fixed(name, get_urlconf() or settings.ROOT_URLCONF, get_script_prefix(), get_language())
        )
    except NoReverseMatch:
        return ""
    given = {key: value for key, value in (query or {}).items() if value not in (None, "")}
    return f"{address}?{urlencode(given)}" if given else address


@lru_cache(maxsize=1_000)
def fixed(name: str, urlconf: str, prefix: str, language: str | None) -> str:
    """Address of a page that is the same each time: a list has hundreds of links to a few of them.

    Args:
        urlconf, prefix, language: what an address may depend on besides.
    """
    return reverse(f"horizon:{name}")


def link_to(name: str, pairs: Iterable[tuple[str, Any]]) -> str:
    """The same with a query in which a name may stand more than once. Colons and commas stay readable."""
    address = link(name)
    given = [(key, value) for key, value in pairs if value not in (None, "")]
    return f"{address}?{urlencode(given, safe=':,')}" if address and given else address
