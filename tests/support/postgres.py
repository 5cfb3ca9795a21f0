"""A PostgreSQL cluster of the run's own, where the machine has PostgreSQL."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER = "postgres"
"""Who runs it when this run is root's, since PostgreSQL refuses root."""


def programs() -> Path | None:
    """Folder of PostgreSQL's programs; ``None`` when this machine has none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


@contextmanager
def postgres(bin_: Path) -> Iterator[str]:
    """The address of a fresh database, on a free port of this machine; gone afterwards."""
    as_owner = {"user": OWNER, "group": OWNER} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="allegro-postgres-"))
    if as_owner:
        shutil.chown(folder, OWNER, OWNER)
    data = folder / "data"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        subprocess.run(
            [
                bin_ / "initdb",
                "--pgdata",
                data,
                "--auth",
                "trust",
                "--username",
                OWNER,
                "--encoding",
                "UTF8",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd="/",
            **as_owner,
        )
        control = [bin_ / "pg_ctl", "--pgdata", data, "--silent", "--wait"]
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='{folder}'"
        subprocess.run(
            [*control, "start", "--log", folder / "log", "--options", options], check=True, cwd="/", **as_owner
        )
        try:
            yield f"postgres://{OWNER}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "stop", "--mode", "immediate"], check=True, cwd="/", **as_owner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
