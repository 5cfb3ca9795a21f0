"""A page that its own script asks for again: whether it must be drawn, and the answer either way."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils import timezone
from django.utils.translation import get_language

from allegro_queue import __version__
from allegro_queue.access import access_of, wants_fragment
from allegro_queue.conf import HorizonSettings
from allegro_queue.dashboard.page.formats import clock_time
from allegro_queue.dashboard.page.stamps import Tag, drawn, read_tag, stamp_of


class Poll:
    """One such question."""

    def __init__(self, request: HttpRequest, settings: HorizonSettings, now: float) -> None:
        self._now = now
        self._asks = reading(request, settings)
        self._held = read_tag(request.headers.get("If-None-Match", ""))
        self._stamp = ""

    def is_answered_by(self, mark: str) -> bool:
        """Whether what the reader has still holds, now that the mark of all that was done is this one."""
        self._stamp = stamp_of([mark, *self._asks])
        return self._held is not None and self._held.holds(self._stamp, self._now)

    def unchanged(self) -> HttpResponse:
        """What the reader has still holds, and for as long as it did."""
        assert self._held is not None
        return self._tagged(HttpResponseNotModified(), self._held)

    def answer(self, response: HttpResponse, *, is_whole: bool) -> HttpResponse:
        """The page as it was drawn, or word that the reader has it; either holds from now.

        Args:
            is_whole: whether nothing is missing; what is comes back without anything being done.
        """
        tag = drawn(response.content, self._stamp if is_whole else "", self._now)
        if self._held is not None and self._held.body == tag.body:
            return self._tagged(HttpResponseNotModified(), tag)
        return self._tagged(response, tag)

    def _tagged(self, response: HttpResponse, tag: Tag) -> HttpResponse:
        response["ETag"] = str(tag)
        # In a header, so that a page at rest stays the same.
        response["X-Horizon-At"] = clock_time(self._now)
        return response


def poll_of(request: HttpRequest, settings: HorizonSettings, now: float) -> Poll | None:
    """The question of a page's script; ``None`` for a page that is asked for whole."""
    return Poll(request, settings, now) if wants_fragment(request) else None


def reading(request: HttpRequest, settings: HorizonSettings) -> tuple[object, ...]:
    """Who reads and what they may see, what they ask for, and which code answers."""
    access = access_of(request)
    return (
        request.user.pk,
        sorted(access.rights),
        access.open_to_all,
        get_language(),
        timezone.get_current_timezone_name(),
        request.get_full_path(),
        __version__,
        settings.version,
    )
