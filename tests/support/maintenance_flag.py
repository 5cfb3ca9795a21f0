"""A maintenance mode that is on while the file of ``MAINTENANCE_FLAG`` is there. For processes of tests."""

from __future__ import annotations

import os
from pathlib import Path


def is_up() -> bool:
    return Path(os.environ["MAINTENANCE_FLAG"]).exists()
