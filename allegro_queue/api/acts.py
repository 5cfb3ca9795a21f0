"""What the API does: the same acts as the pages, and two that only the API has."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest, QueryDict

from allegro_queue.api.answers import Refused
from allegro_queue.api.shapes.told import Done
from allegro_queue.dashboard.actions import ACTS, Told, action, carry_out, minutes_in, name_of
from allegro_queue.history.groups import GroupState
from allegro_queue.history.groups import mark as mark_groups
from allegro_queue.history.queries import monitor, stop_monitoring
from allegro_queue.rights import Right
from allegro_queue.stores import Stores


def perform(request: HttpRequest, name: str, given: Mapping[str, str | list[str] | None], right: str = "") -> Done:
    """Do what a page's form of the same fields would do.

    Args:
        name: of the act.
        right: when it could not be done, what would be right.

    Raises:
        Refused: it was not done: 409, or 503 when Redis did not answer.
    """
    form = QueryDict(mutable=True)
    for key, value in given.items():
        if value is not None:
            form.setlist(key, value if isinstance(value, list) else [value])
    request.POST = form  # type: ignore[assignment]
    told = carry_out(ACTS[name][1], request)
    if told.level == messages.ERROR:
        raise Refused(503, "Redis", told.text, "Look before trying again.")
    if told.level == messages.WARNING:
        raise Refused(409, "request", told.text, right)
    return Done(done=told.level == messages.SUCCESS, outcome=told.text)


@action(Right.EDIT_ALERTS)
def mark(request: HttpRequest, stores: Stores) -> Told:
    """Note a failure group as known, muted or resolved."""
    given = request.POST
    now = time.time()
    try:
        until = now + 60 * minutes_in(given.get("minutes", ""))
        found = mark_groups([given["group"]], GroupState(given["state"]), by=name_of(request), now=now, until=until)
    except ValueError as error:
        return messages.WARNING, f"Not noted: {error}"
    if not found:
        return messages.WARNING, "Not noted: there is no such failure group."
    return messages.SUCCESS, f"The failure group is {given['state']} now."


@action(Right.EDIT_ALERTS)
def follow(request: HttpRequest, stores: Stores) -> Told:
    """Count the runs of a tag from now on."""
    tag = request.POST["tag"]
    try:
        begun = monitor(tag, by=name_of(request), now=time.time())
    except ValueError as error:
        return messages.WARNING, f"Not followed: {error}"
    return (
        (messages.SUCCESS, f"{tag} is followed from now on.")
        if begun
        else (messages.INFO, f"{tag} is followed already.")
    )


@action(Right.EDIT_ALERTS)
def let_go(request: HttpRequest, stores: Stores) -> Told:
    """Follow a tag no longer."""
    tag = request.POST["tag"]
    if stop_monitoring(tag):
        return messages.SUCCESS, f"{tag} is followed no longer."
    return messages.INFO, f"{tag} is not followed (any more)."
