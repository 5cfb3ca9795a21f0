"""Settings of ``supervised.py`` with the faults of ``faults.py``."""

from __future__ import annotations

from tests.support.supervised import *  # noqa: F403
from tests.support.supervised import INSTALLED_APPS as PROJECTS_APPS

INSTALLED_APPS = [*PROJECTS_APPS, "tests.support.faults.Faults"]
"""Their app is last, so that all that it changes is loaded."""
