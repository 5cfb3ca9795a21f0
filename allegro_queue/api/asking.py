"""What several routes ask: which right, which stores, which place of a list."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest

from allegro_queue.access import rights_of
from allegro_queue.api.answers import Refused
from allegro_queue.connection import page_client
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.pulse import Pulse

RIGHT = "x-right"
HIDDEN = "The right allegro_queue.view_payload is missing."


def needs(right: Right) -> dict[str, Any]:
    """The right that an operation needs, as the API's document has it."""
    return {RIGHT: right.value}


def reading() -> tuple[Stores, Pulse]:
    """The stores with a page's patience, and how things stand."""
    stores = open_stores(page_client())
    return stores, stores.pulse.read(all_queues(), time.time())


def may_see_payload(request: HttpRequest) -> bool:
    return Right.VIEW_PAYLOAD in rights_of(request)


def number_in(after: str) -> int:
    """The place of a list that is paged by number; 0 for its start."""
    number = int(after) if after.isascii() and after.isdigit() and len(after) < 20 else 0
    if after and not 0 < number < 2**63:
        raise Refused(422, "query after", f"{after[:100]!r} is no place in this list.", "Give a page's 'after'.")
    return number


def optional(number: float | None) -> str | None:
    return None if number is None else str(number)
