"""Processes that do something at the same moment, each in a process of its own that has loaded the project."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.running import running

PROGRAM = """
import fcntl
from django.db import connection
connection.ensure_connection()
with open({gate!r}) as gate:
    print("ready", flush=True)
    fcntl.flock(gate, fcntl.LOCK_SH)
{line}
"""


def race(folder: Path, lines: Sequence[str], **environment: str) -> list[str]:
    """Start a process for each line of Python, let them go together, and return the last line that each said."""
    gate = folder / "gate"
    with ExitStack() as stack:
        with gate.open("w") as closed:
            fcntl.flock(closed, fcntl.LOCK_EX)
            racers = [
                stack.enter_context(
                    running(
                        "shell", "--no-imports", "--command", PROGRAM.format(gate=str(gate), line=line), **environment
                    )
                )
                for line in lines
            ]
            for each in racers:
                eventually(lambda each=each: "ready" in each.said(), explain=each.said)
        assert [each.wait() for each in racers] == [0] * len(racers), [each.said() for each in racers]
        return [each.said().splitlines()[-1] for each in racers]
