"""What the API does: the pages' acts, each with its right, its checks and its entry in the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict

from allegro_queue.access import rights_of
from allegro_queue.api.answers import Refused
from allegro_queue.api.shapes.told import Begun, Done
from allegro_queue.dashboard.acting import actions
from allegro_queue.rights import Right

Form = Mapping[str, str | list[str] | None]
"""Fields of a page's form; those that are ``None`` are left out."""


def perform(request: HttpRequest, view: Callable[[HttpRequest], HttpResponse], given: Form, right: str = "") -> Done:
    """Do what a page's form of the same fields would do.

    Args:
        view: the page's action.
        right: when it could not be done, what would be right.

    Raises:
        Refused: it was not done: 403, 409, or 503 when Redis did not answer.
    """
    done = carried_out(request, view, given, right)
    return Done(done=done.level == messages.SUCCESS, outcome=done.text.english)


def perform_run(
    request: HttpRequest, view: Callable[[HttpRequest], HttpResponse], given: Form, right: str = ""
) -> Begun:
    """The same for an act on many jobs: as which run it is done."""
    done = carried_out(request, view, given, right)
    return Begun(done=done.level == messages.SUCCESS, outcome=done.text.english, run=done.run_id)


def carried_out(
    request: HttpRequest, view: Callable[[HttpRequest], HttpResponse], given: Form, right: str = ""
) -> actions.Done:
    """Do it, with all that came of it."""
    form = QueryDict(mutable=True)
    for key, value in given.items():
        if value is not None:
            form.setlist(key, value if isinstance(value, list) else [value])
    request.POST = form  # type: ignore[assignment]
    # The door has asked for the right that the document names; some acts need another one, depending on what they are about.
    needed, act = actions.ACTS[view]
    needed = needed if isinstance(needed, Right) else needed(request)
    if needed not in rights_of(request):
        what = f"The right allegro_queue.{needed} is missing."
        raise Refused(403, "header Authorization", what, "Use an account or a token that has it.")
    done = actions.carry_out(act, request)
    if done.level == messages.ERROR:
        raise Refused(503, "Redis", done.text.english, "Look before trying again.")
    if done.level == messages.WARNING:
        raise Refused(409, "request", done.text.english, right)
    return done
