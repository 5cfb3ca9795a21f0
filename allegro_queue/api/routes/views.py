"""Saved views of the job list: the caller's own, and those that are shared."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from ninja import Body, Router

from allegro_queue.activity.saved_view import SavedView, views_for
from allegro_queue.api.acts import perform
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import needs
from allegro_queue.api.shapes.told import Done
from allegro_queue.api.shapes.views import ViewAsked, ViewId, Views
from allegro_queue.dashboard.acting.actions import name_of
from allegro_queue.dashboard.jobs import saved_views
from allegro_queue.rights import Right

router = Router(tags=["views"])


@router.get("views", response=Views, summary="Saved views of the job list")
def views(request: HttpRequest) -> Any:
    return {"views": views_for(name_of(request))}


@router.post("views", response=Done, summary="Save a view", openapi_extra=needs(Right.VIEW))
def save_view(request: HttpRequest, given: Body[ViewAsked]) -> Any:
    form = {"name": given.name, "query": urlencode({"q": given.filter}), "shared": "1" if given.shared else None}
    return perform(request, saved_views.save_a_view, form)


@router.delete(
    "views/{int:view_id}", response=Done, summary="Delete a view of one's own", openapi_extra=needs(Right.VIEW)
)
def delete_view(request: HttpRequest, view_id: ViewId) -> Any:
    if not SavedView.objects.filter(pk=view_id, owner=name_of(request)).exists():
        raise Refused(404, "path view_id", f"There is no view {view_id} of yours.", "See views.")
    return perform(request, saved_views.delete_a_view, {"view": str(view_id)})
