"""A PostgreSQL server of a test's own, where the machine has the programs for one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def programs() -> Path | None:
    """The folder of ``initdb`` and the others; ``None`` where there is none."""
    found = shutil.which("initdb")
    return Path(found).parent if found else (INSTALLED[-1].parent if INSTALLED else None)


def as_owner() -> list[str]:
    """How to start them: they refuse to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


@contextmanager
def a_postgres_server(programs: Path, *, fsync: bool = False) -> Iterator[str]:
    """A server on a socket in a folder of its own; its address as a ``DATABASE_URL``.

    Args:
        fsync: whether a commit waits for the disk, as in production.
    """
    folder = Path(tempfile.mkdtemp(prefix="allegro-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    run = [*as_owner(), str(programs / "pg_ctl"), "--pgdata", str(data)]
    options = f"-k {folder} -c listen_addresses='' -c fsync={'on' if fsync else 'off'}"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    try:
        initdb = ["--pgdata", str(data), "--username", "allegro", "--auth", "trust", "--encoding", "UTF8", "--no-sync"]
        subprocess.run([*as_owner(), str(programs / "initdb"), *initdb], **quiet)
        subprocess.run([*run, "--wait", "--options", options, "--log", str(folder / "log"), "start"], **quiet)
        try:
            yield f"postgres://allegro@/postgres?host={folder}"
        finally:
            subprocess.run([*run, "--wait", "--mode", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
