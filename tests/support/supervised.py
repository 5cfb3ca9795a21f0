"""Settings of the project with supervisors that a test chose: give them as JSON in ``TEST_SUPERVISORS``.

``TEST_HORIZON`` may add other keys of ``HORIZON``. For processes started with ``DJANGO_SETTINGS_MODULE=tests.support.supervised``.
"""

from __future__ import annotations

import json
import os

from tests.support.unscheduled import *  # noqa: F403
from tests.support.unscheduled import HORIZON as PROJECTS_HORIZON

HORIZON = {
    **PROJECTS_HORIZON,
    "defaults": json.loads(os.environ["TEST_SUPERVISORS"]),
    "environments": {},
    **json.loads(os.environ.get("TEST_HORIZON", "{}")),
}
