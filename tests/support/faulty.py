"""Settings of the project with the faults of ``faults.py``, for processes started with this as their settings."""

from __future__ import annotations

from tests.support.unscheduled import *  # noqa: F403
from tests.support.unscheduled import INSTALLED_APPS as PROJECTS_APPS

INSTALLED_APPS = [*PROJECTS_APPS, "tests.support.faults.Faults"]
