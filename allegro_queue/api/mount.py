"""Where the API stands, if its library is installed: each address behind the API's door."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse

from allegro_queue.access import View
from allegro_queue.api.answers import problem
from allegro_queue.api.door import Operation, behind_door
from allegro_queue.rights import Right

PREFIX = "api/v1/"


def addresses() -> list[URLPattern]:
    """Every address of the API; none without django-ninja."""
    if find_spec("ninja") is None:
        return []
    from allegro_queue.api import faults  # noqa: F401 - registers itself
    from allegro_queue.api.document import METHODS, document
    from allegro_queue.api.operations import known_operations
    from allegro_queue.api.routes import ROUTERS, api

    known = known_operations(ROUTERS)
    found: dict[str, URLPattern] = {}
    for pattern in api.urls[0]:
        route = str(pattern.pattern)
        asked = known.get("/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route))
        if asked and pattern.callback is not None and route not in found:
            name = "api_" + re.sub(r"\W+", "_", re.sub(r"<\w+:", "<", route)).strip("_")
            found[route] = path(PREFIX + route, behind_door(pattern.callback, asked), name=name)
    # An address without a place in it goes before one that would take its last word for a name.
    in_order = sorted(found, key=lambda route: "<" in route)
    looking = Operation(right=Right.VIEW)
    all_methods = {method.upper(): looking for method in METHODS}
    return [
        *(found[route] for route in in_order),
        path(PREFIX + "openapi.json", behind_door(document_view(document), {"GET": looking}), name="api_document"),
        path(PREFIX, behind_door(nothing, all_methods), name="api_root"),
        path(PREFIX + "<path:rest>", behind_door(nothing, all_methods), name="api_nothing"),
    ]


def document_view(document: Callable[[str], dict[str, Any]]) -> View:
    """The API's document with this site's address."""

    # It takes a tenth of a second to make and is the same until the process ends.
    kept = lru_cache(maxsize=4)(document)

    def view(request: HttpRequest) -> HttpResponse:
        return JsonResponse(kept(reverse("horizon:api_document").removesuffix("/openapi.json")))

    return view


def nothing(request: HttpRequest, rest: str = "") -> HttpResponse:
    """What is no address of the API."""
    return problem(404, "path", "There is nothing at this address.", "See openapi.json.")
