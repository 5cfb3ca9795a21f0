"""A maintenance mode that is on while the file of ``MAINTENANCE_FLAG`` is there. For processes of tests."""

from __future__ import annotations

import os
import time
from pathlib import Path

HANG = "hang"


def is_up() -> bool:
    """Never answers while the file says that it hangs, nor ever again in the process that asked then."""
    flag = Path(os.environ["MAINTENANCE_FLAG"])
    if flag.exists() and flag.read_text(encoding="utf-8") == HANG:
        time.sleep(3600)
    return flag.exists()
