"""The API's document (OpenAPI 3.1), made from the routes, and completed by what the door does."""

from __future__ import annotations

from typing import Any

from allegro_queue.api.asking import RIGHT
from allegro_queue.api.routes import api
from allegro_queue.api.shapes.told import Errors
from allegro_queue.rights import Right

METHODS = ("get", "post", "put", "patch", "delete")
WORDS = {
    304: "What the reader has (If-None-Match) is still so.",
    401: "Neither a token that holds nor a session.",
    403: "The gate says no, the right is missing, or a session's write has no CSRF token.",
    404: "There is no such thing.",
    409: "It could not be done as things stand; nothing was changed.",
    415: "The body is not JSON.",
    422: "The request is not as this document says.",
    503: "Redis did not answer.",
}


def document(server: str = "/horizon/api/v1") -> dict[str, Any]:
    """The whole document.

    Args:
        server: address that the paths follow.
    """
    found: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=""))
    found["servers"] = [{"url": server}]
    found["security"] = [{"token": []}, {"session": []}]
    components = found["components"]
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token. It may be bound to a person."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "Of somebody whom the gate lets in; writes need X-CSRFToken too.",
        },
    }
    # The shapes of errors, which no route names.
    schema = Errors.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= schema.pop("$defs")
    components["schemas"]["Errors"] = schema
    for path, operations in found["paths"].items():
        for method in METHODS:
            if method in operations:
                complete(operations[method], method, has_place="{" in path)
    return found


def complete(operation: dict[str, Any], method: str, *, has_place: bool) -> None:
    """Add to one operation what holds for all of its kind."""

    operation.setdefault(RIGHT, Right.VIEW.value)
    statuses = [401, 403, 422, 503]
    statuses += [404] if has_place else []
    statuses += [304] if method == "get" else [409]
    statuses += [415] if "requestBody" in operation else []
    responses = {str(status): words for status, words in operation["responses"].items()}
    for status in statuses:
        responses[str(status)] = {"description": WORDS[status]}
        if status != 304:
            schema = {"$ref": "#/components/schemas/Errors"}
            responses[str(status)]["content"] = {"application/json": {"schema": schema}}
    operation["responses"] = dict(sorted(responses.items()))
