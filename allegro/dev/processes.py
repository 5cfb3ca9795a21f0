"""Starting programs that never outlive ``dev``, each in a session of its own, so that Ctrl-C reaches ``dev`` alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

LEASH = Path(__file__).with_name("leash.py")


def start_leashed(
    command: Sequence[str], *, output: IO[bytes] | int, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program that is told to end (SIGTERM) when this process dies, however it dies.

    Call it from the main thread: the kernel watches the thread that starts the program.

    Args:
        command: the program's whole path and its arguments.
        output: where its output and its errors go, together.
        environment: variables over those of this process.
    """
    leash = (sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), signal.SIGTERM.name)
    return subprocess.Popen(
        [*leash, *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        start_new_session=True,
    )
