"""Files that a page offers: what they say when a server does not answer, since they have no frame to say it in."""

from __future__ import annotations

import functools

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext

from allegro_queue.access import View
from allegro_queue.connection import UNREACHABLE
from allegro_queue.dashboard.page.formats import duration
from allegro_queue.history.patience import TookTooLong, patience
from allegro_queue.wording import worded

FILE_SECONDS = 20
"""How long a file waits for the database of history, a long one for each of its reads: who takes one along waits longer than
for a page, and not for ever."""


def in_time(view: View) -> View:
    """The view of a file that is made before it is sent; 503 in words when Redis, or the database in time, does not answer."""

    @functools.wraps(view)
    def timed(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            with patience(FILE_SECONDS, counting=FILE_SECONDS):
                return view(request, *args, **kwargs)
        except TookTooLong:
            text = gettext("The database did not answer within {time}. Try again in a while.")
            return unanswered(worded(text, time=duration(FILE_SECONDS)))
        except UNREACHABLE:
            return unanswered(gettext("Redis did not answer. Try again in a while."))

    return timed


def unanswered(words: str) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=503, content_type="text/plain; charset=utf-8")
