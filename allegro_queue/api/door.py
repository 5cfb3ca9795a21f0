"""The API's door: a token, or a session behind the same gate as the pages. Decided afresh on each request, before anything
of the request is read but its method and headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers
from django.utils.module_loading import import_string

from allegro_queue.access import Access, View, decide, rights_of
from allegro_queue.api.answers import JSON, problem, with_etag
from allegro_queue.conf import horizon_settings
from allegro_queue.errors import did_you_mean
from allegro_queue.history.patience import patience
from allegro_queue.rights import Right
from allegro_queue.tokens.tokens import find, note_use, rights_in

API_SECONDS = 20
"""How long a program waits for the database of history."""

SAFE = ("GET", "HEAD", "OPTIONS")
SIGN_IN = {"WWW-Authenticate": 'Bearer realm="Horizon"'}


@dataclass(frozen=True, slots=True)
class Operation:
    """What the door knows of one method of one address."""

    right: Right
    parameters: frozenset[str] = frozenset()
    """Names that its query may have."""
    has_body: bool = False


def behind_door(view: View, operations: Mapping[str, Operation]) -> View:
    """A view of the API, behind the door.

    Args:
        operations: by method; other methods are refused with those that there are.
    """

    def door(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        # Programs read it: one language, whatever the reader's.
        with translation.override("en"):
            response = answer(view, operations, request, args, kwargs)
        add_never_cache_headers(response)
        response["X-Content-Type-Options"] = "nosniff"
        return response

    # The door looks at CSRF itself: a token needs none, and the answer has to be JSON.
    door.csrf_exempt = True  # type: ignore[attr-defined]
    return door


def answer(
    view: View,
    operations: Mapping[str, Operation],
    request: HttpRequest,
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> HttpResponse:
    """The view's answer, or why not."""
    access = who_asks(request)
    if not access.allowed:
        if access.sign_in:
            right = "Send 'Authorization: Bearer' with a token that holds, or sign in."
            return problem(401, "header Authorization", access.reason, right, SIGN_IN)
        return problem(403, "header Authorization", access.reason)
    request.horizon_access = access  # type: ignore[attr-defined]
    method = "GET" if request.method == "HEAD" else str(request.method)
    operation = operations.get(method)
    if operation is None:
        allowed = ", ".join(sorted({*operations, *(["HEAD"] if "GET" in operations else [])}))
        return problem(405, "method", f"{method} means nothing here.", f"Use {allowed}.", {"Allow": allowed})
    if operation.right not in rights_of(request):
        return problem(
            403,
            "header Authorization",
            f"The right allegro_queue.{operation.right} is missing.",
            "Use an account or a token that has it.",
        )
    if refused := wrong_shape(request, operation, method):
        return refused
    if method == "GET":
        # A locked table must not hold the server's thread. An act takes the time that it takes.
        asked, request.method = request.method, method
        with patience(API_SECONDS, counting=API_SECONDS):
            response = view(request, *args, **kwargs)
        request.method = asked
    else:
        response = view(request, *args, **kwargs)
    assert isinstance(response, HttpResponse)
    return with_etag(request, response) if method == "GET" and response.status_code == 200 else response


def who_asks(request: HttpRequest) -> Access:
    """Whether this request may pass, and with which rights. A token that does not hold is never made up for by a session."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return by_token(request, given.strip())
    access = decide(request)
    if access.allowed and request.method not in SAFE and (reason := csrf_fault(request)):
        return Access(False, reason)
    return access


def by_token(request: HttpRequest, text: str) -> Access:
    """What a token gives: its own rights, and of those only what its author may at this time."""
    now = timezone.now()
    token = find(text, now)
    if token is None:
        return Access(False, "This token is unknown, revoked or over.", sign_in=True)
    rights = rights_in(token)
    request.user = AnonymousUser()
    if token.author is not None:
        request.user = token.author
        gate: Callable[[HttpRequest], Access] = import_string(horizon_settings().gate)
        access = gate(request)
        if not access.allowed:
            return Access(False, f"The author of this token may not see the dashboard (any more): {access.reason}")
        rights &= access.rights
    request.horizon_token = token.name  # type: ignore[attr-defined]
    note_use(token, now)
    return Access(True, rights=rights)


def csrf_fault(request: HttpRequest) -> str:
    """Why a write that comes with a session may be another site's doing; empty when it is not."""
    check = CsrfViewMiddleware(lambda request: HttpResponse())
    check.process_request(request)
    if check.process_view(request, answer, (), {}) is None:
        return ""
    return "This write has a session but no CSRF token. Send X-CSRFToken with the cookie's, or use an API token."


def wrong_shape(request: HttpRequest, operation: Operation, method: str) -> HttpResponse | None:
    """What is wrong with the query's names or the body's kind."""
    for name in request.GET:
        if name not in operation.parameters:
            known = sorted(operation.parameters)
            right = f"There is no such parameter{did_you_mean(name[:100], known)}" if known else "It takes no query."
            return problem(422, f"query {name[:100]}", "This is not asked for here.", right)
    if operation.has_body and request.content_type != JSON:
        return problem(
            415, "header Content-Type", f"The body is {request.content_type or 'nothing'!r}.", f"Send {JSON}."
        )
    return None
