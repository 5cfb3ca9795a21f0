"""Programs that a machine of a developer may lack, and that of CI may not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def needed(found: Path | None, name: str, package: str) -> Path:
    """What was found. Where nothing was, the test is skipped; in CI it fails."""
    if found is not None:
        return found
    message = f"{name} is not installed (apt-get install {package})"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{message}; in CI its tests must run")
    pytest.skip(message)
