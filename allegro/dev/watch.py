"""Notices that code changed. Needs the packages for development."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from watchfiles import Change, watch

SUFFIXES = (".py", ".html", ".txt", ".css", ".js")
"""What a running server has loaded: code, templates, mails, static files."""


class CodeWatch:
    """Says which files changed since it was last asked."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._changed: set[str] = set()
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="code watch", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()

    def take_changes(self) -> list[Path]:
        """The files that changed since the last call, none twice."""
        with self._turn:
            changed, self._changed = self._changed, set()
        return sorted(Path(each) for each in changed)

    def _run(self) -> None:
        for changes in watch(*self._folders, watch_filter=is_code, stop_event=self._stop, rust_timeout=500):
            with self._turn:
                self._changed.update(path for _, path in changes)


def is_code(change: Change, path: str) -> bool:
    """Whether a file is one that a running server has loaded."""
    return path.endswith(SUFFIXES)
