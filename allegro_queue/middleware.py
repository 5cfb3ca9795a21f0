"""An id for each request, by which what a reader saw and what the log holds are found together.

Middleware, since a page that breaks is answered by Django, outside of any view.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.signals import got_request_exception
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from allegro_queue.request_ids import answering, id_from, note_request

HEADER = "X-Request-ID"


class RequestIds:
    """In ``MIDDLEWARE``, best as the first: each answer has an id in ``X-Request-ID``, and ``request.request_id`` is the same.

    A proxy's own is taken. The traceback of an error ends with it, in whatever log, be it that of a view, of another
    middleware, or of an answer that breaks while it is sent.
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
        """Django logs it next, also when it answers it as something else than a fault."""
        note_request(error, id_of(request))


def note_fault(request: HttpRequest | None = None, **given: object) -> None:
    """The same of what breaks outside of a view: Django answers it where no middleware sees it."""
    error = sys.exception()
    if request is not None and error is not None and (mine := id_of(request)):
        note_request(error, mine)


got_request_exception.connect(note_fault, dispatch_uid="allegro_queue.request_ids")


def marked(response: HttpResponseBase, mine: str) -> HttpResponseBase:
    response[HEADER] = mine
    # A file is left to the server, which may have a faster way to send it.
    if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
        parts = response.streaming_content
        response.streaming_content = (
            sent_later(parts, mine) if isinstance(parts, AsyncIterator) else sent(iter(parts), mine)
        )
    return response


def sent(parts: Iterator[bytes], mine: str) -> Iterator[bytes]:
    """The parts of an answer, each made as part of its request: what breaks here, only the server sees."""
    while True:
        with answering(mine):
            try:
                part = next(parts)
            except StopIteration:
                return
            except Exception as error:
                note_request(error, mine)
                raise
        yield part


async def sent_later(parts: AsyncIterator[bytes], mine: str) -> AsyncIterator[bytes]:
    """The same of an asynchronous one."""
    while True:
        with answering(mine):
            try:
                part = await anext(parts)
            except StopAsyncIteration:
                return
            except Exception as error:
                note_request(error, mine)
                raise
        yield part


def id_of(request: HttpRequest) -> str:
    """The id of a request; empty without this middleware."""
    found: str = getattr(request, "request_id", "")
    return found
