"""A PostgreSQL server of a test's own, where the machine has the programs for one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.migrated import migrate
from tests.support.once import once

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def programs() -> Path | None:
    """The folder of ``initdb`` and the others; ``None`` where there is none."""
    found = shutil.which("initdb")
    return Path(found).parent if found else (INSTALLED[-1].parent if INSTALLED else None)


def as_owner() -> list[str]:
    """How to start them: they refuse to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


@contextmanager
def a_postgres_server(programs: Path, *, tables: bool = False, fsync: bool = False) -> Iterator[str]:
    """A server on a socket in a folder of its own; its address as a ``DATABASE_URL``.

    Args:
        tables: whether its database has the project's tables.
        fsync: whether a commit waits for the disk, as in production.
    """
    bare = once("postgres", lambda made: make_data(programs, made))
    data = once("postgres-with-tables", lambda made: add_tables(programs, bare, made)) if tables else bare
    with folder_of_owner() as folder, serving(programs, copied(data, folder), fsync=fsync) as url:
        yield url


@contextmanager
def folder_of_owner() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="allegro-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_data(programs: Path, made: Path) -> None:
    """The files of a server that was never started."""
    with folder_of_owner() as folder:
        initdb = ["--username", "allegro", "--auth", "trust", "--encoding", "UTF8", "--no-sync"]
        quietly([*as_owner(), str(programs / "initdb"), "--pgdata", str(folder / "data"), *initdb], folder)
        shutil.move(folder / "data", made)


def add_tables(programs: Path, bare: Path, made: Path) -> None:
    """Those files, once the project's migrations ran."""
    with folder_of_owner() as folder:
        data = copied(bare, folder)
        with serving(programs, data, ending="fast") as url:
            migrate(url)
        shutil.move(data, made)


def copied(data: Path, folder: Path) -> Path:
    """A copy below this folder, with the owner that it has."""
    quietly(["cp", "--archive", str(data), str(folder / "data")], folder)
    return folder / "data"


@contextmanager
def serving(programs: Path, data: Path, *, fsync: bool = False, ending: str = "immediate") -> Iterator[str]:
    """A server over these files; its socket is beside them."""
    folder = data.parent
    run = [*as_owner(), str(programs / "pg_ctl"), "--pgdata", str(data)]
    options = f"-k {folder} -c listen_addresses='' -c fsync={'on' if fsync else 'off'}"
    quietly([*run, "--wait", "--options", options, "--log", str(folder / "log"), "start"], folder)
    try:
        yield f"postgres://allegro@/postgres?host={folder}"
    finally:
        quietly([*run, "--wait", "--mode", ending, "stop"], folder)


def quietly(command: list[str], folder: Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
