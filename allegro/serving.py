"""What a web process does before its first request."""

from __future__ import annotations

import gc

from django.urls import get_resolver


def keep_what_is_loaded() -> None:
    """Load all views, and tell the garbage collector that what is there by now stays as long as the process does.

    A full collection would look through all of it again and again: 70 ms, for whichever page meets one.
    """
    get_resolver().url_patterns  # noqa: B018 - reading it loads them
    gc.collect()
    gc.freeze()
