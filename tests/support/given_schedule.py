"""Settings whose schedule is given in ``GIVEN_SCHEDULE``, as JSON or as the path of a file with it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from allegro.settings import *  # noqa: F403
from allegro.settings import HORIZON as RIGHT

given = os.environ["GIVEN_SCHEDULE"]
HORIZON = {**RIGHT, "schedule": json.loads(given if given.startswith("[") else Path(given).read_text())}
