"""Settings of the project with the faults of ``faults.py``, for processes started with this as their settings."""

from __future__ import annotations

from allegro.settings import *  # noqa: F403
from allegro.settings import INSTALLED_APPS as PROJECTS_APPS

INSTALLED_APPS = [*PROJECTS_APPS, "tests.support.faults.Faults"]
