"""An id for each request, by which what a reader saw and what the log holds are found together.

Middleware, since a page that breaks is answered by Django, outside of any view.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from allegro_queue.request_ids import answering, id_from

HEADER = "X-Request-ID"


class RequestIds:
    """In ``MIDDLEWARE``, best as the first: each answer has an id in ``X-Request-ID``, and ``request.request_id`` is the same.

    A proxy's own is taken. The traceback of an error ends with it, in whatever log.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        mine = id_from(request.headers.get(HEADER, ""))
        request.request_id = mine  # type: ignore[attr-defined]
        if self._is_async:
            return self._answer_later(request, mine)
        with answering(mine):
            response = self._get_response(request)
        assert isinstance(response, HttpResponseBase)
        return marked(response, mine)

    async def _answer_later(self, request: HttpRequest, mine: str) -> HttpResponseBase:
        with answering(mine):
            response = self._get_response(request)
            assert isinstance(response, Awaitable)
            return marked(await response, mine)

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Django logs it next; with its note, in the form of any log."""
        error.add_note(f"request id {id_of(request)}")


def marked(response: HttpResponseBase, mine: str) -> HttpResponseBase:
    response[HEADER] = mine
    return response


def id_of(request: HttpRequest) -> str:
    """The id of a request; empty without this middleware."""
    found: str = getattr(request, "request_id", "")
    return found
