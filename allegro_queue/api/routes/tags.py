"""Tags that are followed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Body, Router

from allegro_queue.api.acts import perform
from allegro_queue.api.asking import needs
from allegro_queue.api.shapes.given import Name
from allegro_queue.api.shapes.tags import TagAsked, Tags
from allegro_queue.api.shapes.told import Done
from allegro_queue.dashboard import monitoring_pages
from allegro_queue.history.followed_tags import followed_tags
from allegro_queue.rights import Right

router = Router(tags=["history"])


@router.get("tags", response=Tags, summary="Tags that are followed")
def tags(request: HttpRequest) -> Any:
    return {"tags": followed_tags()}


@router.post("tags", response=Done, summary="Follow a tag", openapi_extra=needs(Right.EDIT_ALERTS))
def follow_tag(request: HttpRequest, given: Body[TagAsked]) -> Any:
    return perform(request, monitoring_pages.follow_tag, {"tag": given.tag})


@router.delete(
    "tags/{path:name}", response=Done, summary="Follow a tag no longer", openapi_extra=needs(Right.EDIT_ALERTS)
)
def let_go_of_tag(request: HttpRequest, name: Name) -> Any:
    return perform(request, monitoring_pages.stop_following_tag, {"tag": name})
