"""What goes wrong in a route, as errors of the API."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError
from redis import RedisError

from allegro_queue.api.answers import Problem, Refused, problem, problems
from allegro_queue.api.door import API_SECONDS
from allegro_queue.api.routes import api
from allegro_queue.connection import UNREACHABLE, address, page_client
from allegro_queue.history.patience import TookTooLong

PARAMETER = "given"
"""Name of the parameter that holds a route's query or body, which means nothing to a caller."""


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return problems(error.status, [error.problem])


@api.exception_handler(ValidationError)
def not_valid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return problems(422, [fault_of(each) for each in error.errors])


def fault_of(given: dict[str, Any]) -> Problem:
    """One of pydantic's findings in our words."""
    where = " ".join(str(each) for each in given["loc"] if each != PARAMETER)
    bounds = given.get("ctx", {})
    right = ", ".join(f"{name.replace('_', ' ')}: {bound}" for name, bound in bounds.items() if name != "error")
    return Problem(where, str(given["msg"]), right)


@api.exception_handler(HttpError)
def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that is no JSON."""
    return problem(422, "body", str(error), "Send a JSON object.")


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(422, "body", "The body is too big.", "Send less at once.")


def no_redis(request: HttpRequest, error: RedisError | type[RedisError]) -> HttpResponse:
    return problem(503, "Redis", f"Redis at {address(page_client())} did not answer.", "Try again in a while.")


for each in UNREACHABLE:
    api.add_exception_handler(each, no_redis)


@api.exception_handler(OperationalError)
def no_database(request: HttpRequest, error: OperationalError) -> HttpResponse:
    return problem(503, "database", "The database did not answer.", "Try again in a while.")


@api.exception_handler(TookTooLong)
def late(request: HttpRequest, error: TookTooLong) -> HttpResponse:
    return problem(
        503,
        "database",
        f"The database did not answer within {API_SECONDS} s.",
        "Ask for less, or try again in a while.",
    )


@api.exception_handler(Exception)
def ours(request: HttpRequest, error: Exception) -> HttpResponse:
    """A fault of ours is Django's to report, not to be shown."""
    raise error
