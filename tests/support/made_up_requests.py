"""Requests that a program makes up from the API's document, sent and judged. It takes a second to load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from schemathesis import GenerationMode

EXAMPLES = 5
"""Requests for each operation."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)


def statuses_of(document: dict[str, Any], token: str, mode: str) -> set[int]:
    """The statuses of all answers, each of which was as the document says.

    Args:
        mode: whether the requests are right (``positive``) or wrong (``negative``).
    """
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    seen: set[int] = set()
    for found in schema.get_all_operations():
        asker(found.ok().as_strategy(generation_mode=GenerationMode(mode)), token, seen)()
    return seen


def asker(cases: Any, token: str, seen: set[int]) -> Callable[[], None]:
    """A function that sends some of these requests."""
    checks = [getattr(schemathesis.checks, name) for name in CHECKS]

    @given(case=cases)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        seen.add(answer.status_code)
        case.validate_response(answer, checks=checks)

    return ask
