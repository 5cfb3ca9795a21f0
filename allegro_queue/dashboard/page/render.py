"""One way to answer with a page: read it, put the frame around it, and say so when Redis does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from allegro_queue.access import rights_of
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import UNREACHABLE, address, page_client
from allegro_queue.dashboard.page.frame import frame_for, waits_long
from allegro_queue.dashboard.page.polls import poll_of
from allegro_queue.history.patience import TookTooLong, patience
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.pulse import Pulse

PAGE_SECONDS = 2
"""How long a page waits for the database of history before it comes without it."""

COUNT_SECONDS = 0.5
"""How much of that is for counts: no table waits longer for them."""

LONG_SECONDS = 20
"""How long it waits for either when the reader has asked for that; less than servers wait for a page."""

Read = Callable[[Stores, Pulse], Any]

Away = Callable[[float], Any]
"""Reads a page from the database alone, given the time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """What a page's read gives when there is no such thing: a 404 in words, inside the frame."""

    heading: str
    words: str
    asked: str
    """What was asked for."""
    back: str
    """Address of the page to go on from."""
    back_words: str


def render_page(
    request: HttpRequest,
    template: str,
    read: Read,
    *,
    title: str,
    current: str,
    every: int = 5,
    away: Away | None = None,
    is_patient: bool = False,
) -> HttpResponse:
    """The page that ``read`` makes of the stores and the pulse, as ``page`` in the template.

    200, or 404 when ``read`` gives ``Missing``. Also 200 when Redis does not answer, or the database not in time: the
    frame stands, and says which server was asked or where to ask again with more patience. The page's own script asks for
    the same address with ``X-Horizon-Fragment: 1`` and gets the same page without admin's frame, or 304 when nothing in it
    has changed. What it has already is not even drawn while its stamp holds (``stamps``).

    Args:
        read: makes the page object, all that the template needs; ``pulse.at`` is its "now".
        title: name of the page.
        current: which line of the navigation is this one.
        every: seconds between two refreshes unless the reader chose otherwise; 0 for a page that does not change.
        away: makes the page while Redis does not answer, for one that needs the database only.
        is_patient: whether its readers have asked for what takes long, and wait for it.
    """
    now = time.time()
    settings = horizon_settings()
    connection = page_client()
    page: Any = None
    pulse: Pulse | None = None
    trouble = ""
    is_late = left_out = False
    poll = poll_of(request, settings, now)
    is_long = is_patient or waits_long(request)
    seconds, counting = (LONG_SECONDS, LONG_SECONDS) if is_long else (PAGE_SECONDS, COUNT_SECONDS)
    try:
        try:
            stores = open_stores(connection)
            seen = stores.pulse.glance(all_queues(), now, marked=poll is not None)
            if poll is not None and poll.is_answered_by(seen.mark):
                return poll.unchanged()
            pulse = stores.pulse.after(seen)
            with patience(seconds, counting=counting) as reader:
                page = read(stores, pulse)
            left_out = reader.left_out
        except UNREACHABLE as error:
            pulse, trouble = None, reason(error)
            template = template if away else "horizon/unreachable.html"
            if away:
                with patience(seconds, counting=counting):
                    page = away(now)
    except TookTooLong:
        is_late, template = True, "horizon/late.html"
    if isinstance(page, Missing):
        template = "horizon/missing.html"
    frame = frame_for(request, settings, pulse, title=title, current=current, every=every, now=now)
    context = {
        **around(request),
        "title": title,
        "is_nav_sidebar_enabled": False,
        "frame": frame,
        "page": page,
        "pulse": pulse,
        "rights": rights_of(request),
        "now": now,
        "server": address(connection),
        "trouble": trouble,
        "is_late": is_late,
        "left_out": left_out,
        "waited": seconds,
        "waited_for_counts": counting,
    }
    response = render(request, template, context, status=404 if isinstance(page, Missing) else 200)
    if poll is None:
        return response
    return poll.answer(response, is_whole=pulse is not None and not (is_late or left_out))


def around(request: HttpRequest) -> dict[str, Any]:
    """What admin's templates need around a page.

    Admin's own list of apps is not shown here, and to make it asks for all rights of the user: two queries. A site of the
    project's own (Unfold's, for one) may put more into it, so that is asked.
    """
    site = admin.site
    if site.each_context.__func__ is not admin.AdminSite.each_context:  # type: ignore[attr-defined]
        return site.each_context(request)
    return {
        "site_title": site.site_title,
        "site_header": site.site_header,
        "site_url": (request.META["SCRIPT_NAME"] if site.site_url == "/" else "") or site.site_url,
        "has_permission": site.has_permission(request),
        "is_popup": False,
    }


def reason(error: Exception) -> str:
    """Why Redis did not answer, in a few words. The driver's own text may hold more than is meant for a page."""
    words = str(error).lower()
    if "refused" in words:
        return gettext("connection refused")
    if "no such file" in words:
        return gettext("no socket there")
    if "auth" in words or "password" in words:
        return gettext("it refused the password")
    if "loading" in words:
        return gettext("it is still loading its data")
    if "timeout" in words or "timed out" in words:
        return gettext("time-out")
    if ("name" in words and "known" in words) or "resolution" in words:
        return gettext("unknown host name")
    return gettext("connection failed")
