"""What the door asks of each operation, read off the routes.

The API's document says it too, but making that takes longer than all else that a process loads for the API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ninja import Router
from ninja.operation import Operation as Route

from allegro_queue.api.asking import RIGHT
from allegro_queue.api.door import Operation
from allegro_queue.rights import Right


def known_operations(routers: Iterable[Router]) -> dict[str, dict[str, Operation]]:
    """Operations by path as in the document (``/jobs/{job_id}``), and by method."""
    return {
        "/" + re.sub(r"\{\w+:", "{", path): {
            method: known(route) for route in view.operations for method in route.methods
        }
        for router in routers
        for path, view in router.path_operations.items()
    }


def known(route: Route) -> Operation:
    return Operation(
        right=Right((route.openapi_extra or {}).get(RIGHT, Right.VIEW)),
        parameters=frozenset(
            name
            for model in route.models
            if model.__ninja_param_source__ == "query"
            for name in model.__ninja_flatten_map__
        ),
        has_body=any(model.__ninja_param_source__ == "body" for model in route.models),
    )
