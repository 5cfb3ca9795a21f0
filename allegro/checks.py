"""Faults of the environment as Django system checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from allegro_queue.checks import CONFIGURATION


@register(CONFIGURATION)
def check_environment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every fault of the environment at once."""
    return [Error(problem, id="allegro.E001") for problem in settings.ENVIRONMENT_PROBLEMS]


def refuse_a_faulty_environment() -> None:
    """For servers, which start without running the checks.

    Raises:
        ImproperlyConfigured: with every fault of the environment at once.
    """
    if settings.ENVIRONMENT_PROBLEMS:
        raise ImproperlyConfigured("\n".join(settings.ENVIRONMENT_PROBLEMS))
