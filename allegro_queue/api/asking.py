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
from allegro_queue.stores.job_lists import Place, read_place
from allegro_queue.stores.pulse import Pulse

RIGHT = "x-right"
HIDDEN = "The right allegro_queue.view_payload is missing."


def needs(right: Right) -> dict[str, Any]:
    """The right that an operation needs, as the API's document has it."""
    return {RIGHT: right.value}


ALSO = "x-right-of"


def needs_right_of_run() -> dict[str, Any]:
    """The right to look at the door; the act itself asks for the right that its run's own act needs."""
    return {RIGHT: Right.VIEW.value, ALSO: "the run's act"}


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


def place_in(after: str) -> Place:
    if not after:
        return Place()
    try:
        return read_place(after)
    except ValueError as error:
        raise Refused(422, "query after", str(error), "Give the 'after' of the page before.") from error


def following_offset(place: Place, limit: int, total: int) -> Place | None:
    end = place.offset + limit
    return Place(offset=end) if end < total else None
