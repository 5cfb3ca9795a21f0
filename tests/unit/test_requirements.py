from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PINNED = {
    canonicalize_name(name)
    for name in re.findall(
        r"^([\w.-]+)==", (Path(__file__).resolve().parents[2] / "requirements.txt").read_text(), re.MULTILINE
    )
}


# Debian 12 has 3.11.2.
@pytest.mark.parametrize("python", ["3.11.2", "3.11.14", "3.12.0", "3.13.0"])
def test_what_a_pinned_package_needs_on_a_python_that_is_let_in_is_pinned_too(python: str) -> None:
    there = {
        **default_environment(),
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "extra": "",
    }

    missing = [
        f"{name} needs {need}"
        for name in sorted(PINNED)
        for need in map(Requirement, requires(name) or [])
        if (need.marker is None or need.marker.evaluate(there)) and canonicalize_name(need.name) not in PINNED
    ]

    assert missing == []
