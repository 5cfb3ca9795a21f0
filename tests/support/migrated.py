"""Databases that have all tables and no rows but those of migrations, which take seconds to run: copied instead."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.once import once
from tests.support.running import manage


def migrate(url: str) -> None:
    """Run all migrations of the project."""
    done = manage("migrate", "--verbosity", "0", DATABASE_URL=url)
    assert done.returncode == 0, done.stderr


def migrated_copy(file: Path) -> str:
    """A database in this new file; its address as a ``DATABASE_URL``."""
    shutil.copy(once("migrated.sqlite3", lambda made: migrate(f"sqlite:///{made}")), file)
    return f"sqlite:///{file}"
