"""Saved views: the page that lists them, and saving and deleting one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop, ngettext
from django.views.decorators.http import require_safe

from allegro_queue.access import View, rights_of
from allegro_queue.activity.saved_view import LONGEST_NAME, CannotSave, SavedView, delete_view, save_view, views_for
from allegro_queue.dashboard.acting.actions import Told, action, name_of
from allegro_queue.dashboard.filters.terms import typed
from allegro_queue.dashboard.jobs.query import JobQuery, read_query
from allegro_queue.dashboard.page.formats import count
from allegro_queue.dashboard.page.links import link_to
from allegro_queue.dashboard.page.render import render_page
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import telling, told_by
from allegro_queue.wording import worded

SHARING = Right.EDIT_ALERTS
"""The right to change what all see."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewRow:
    """One saved view."""

    view: SavedView
    address: str
    asks: str
    """Its filter, as one would type it."""
    mine: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewsPage:
    """Which lists do I come back to?"""

    sentence: str
    rows: tuple[ViewRow, ...]
    query: JobQuery
    """What can be saved: the list that one came from."""
    saves: bool
    longest_name: int
    may_share: bool
    back: str
    here: str


def views_page(who: str, query: JobQuery, *, may_share: bool) -> ViewsPage:
    """The page: one query."""
    rows = tuple(
        ViewRow(
            view=view,
            address=link_to("jobs", pairs_in(view.query)),
            asks=typed(read_query(pairs_in(view.query), ()).terms) or view.query,
            mine=view.owner == who,
        )
        for view in views_for(who)
    )
    many = (
        worded(ngettext("{n} saved view.", "{n} saved views.", len(rows)), n=count(len(rows)))
        if rows
        else gettext("No view is saved yet.")
    )
    return ViewsPage(
        sentence=many,
        rows=rows,
        query=query,
        saves=bool(query.terms) and not query.problems,
        longest_name=LONGEST_NAME,
        may_share=may_share,
        back=link_to("jobs", query.pairs),
        here=link_to("saved_views", query.pairs),
    )


def pairs_in(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query)


@require_safe
def saved_views(request: HttpRequest) -> HttpResponse:
    """The views, and the form to save the list that one came from."""
    pairs = [(name, value) for name, values in request.GET.lists() for value in values]
    query = read_query(pairs, all_queues())

    def read(stores: Stores, pulse: Pulse) -> ViewsPage:
        return views_page(name_of(request), query, may_share=SHARING in rights_of(request))

    return render_page(request, "horizon/saved_views.html", read, title=gettext("Saved views"), current="jobs", every=0)


@action(Right.VIEW)
def save_a_view(request: HttpRequest, stores: Stores) -> Told:
    """Keep a list under a name."""
    name = request.POST.get("name", "")
    shared = request.POST.get("shared") == "1"
    if shared and SHARING not in rights_of(request):
        needed = f"allegro_queue.{SHARING}"
        return messages.WARNING, telling("Not saved: to share a view you need the right {right}.", right=needed)
    query = read_query(pairs_in(request.POST.get("query", "")), all_queues())
    if query.problems or not query.terms:
        return messages.WARNING, telling("Not saved: the filter asks for nothing, or not all of it can be understood.")
    try:
        is_new = save_view(
            who=name_of(request), name=name, query=urlencode(query.pairs), shared=shared, at=datetime.now(UTC)
        )
    except CannotSave as error:
        return messages.WARNING, telling("Not saved: {problem}", problem=told_by(error))
    text = gettext_noop("Saved the view “{name}”.") if is_new else gettext_noop("Replaced the view “{name}”.")
    return messages.SUCCESS, telling(text, name=" ".join(name.split()))


@action(Right.VIEW)
def delete_a_view(request: HttpRequest, stores: Stores) -> Told:
    """Forget one of one's own views."""
    number = request.POST.get("view", "")
    known = number.isascii() and number.isdigit() and len(number) < 15
    name = delete_view(who=name_of(request), number=int(number)) if known else ""
    if not name:
        return messages.WARNING, telling("There is no such view of yours, so nothing was deleted.")
    return messages.SUCCESS, telling("Deleted the view “{name}”.", name=name)


PAGES: list[tuple[str, View, str]] = [
    ("views/", saved_views, "saved_views"),
    ("actions/save-view/", save_a_view, "save_view"),
    ("actions/delete-view/", delete_a_view, "delete_view"),
]
