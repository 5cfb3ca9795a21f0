"""Settings of the project without its schedule, whose jobs would come between a test's own. For processes of tests."""

from __future__ import annotations

from allegro.settings import *  # noqa: F403
from allegro.settings import HORIZON as PROJECTS_HORIZON

HORIZON = {**PROJECTS_HORIZON, "schedule": []}
