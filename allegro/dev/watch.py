"""Notices that code changed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from watchfiles import Change, DefaultFilter, watch

SUFFIXES = (".py", ".html", ".txt", ".css", ".js")


class CodeFilter(DefaultFilter):
    """Files that a running server has loaded: code, templates, static files."""

    def __call__(self, change: Change, path: str) -> bool:
        return path.endswith(SUFFIXES) and super().__call__(change, path)


class CodeWatch:
    """Says which files changed since it was last asked. Nothing changes before ``start()``."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder for folder in folders if folder.exists()]
        self._changed: set[str] = set()
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="code watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def take_changes(self) -> list[Path]:
        """The files that changed since the last call, none twice."""
        with self._turn:
            changed, self._changed = self._changed, set()
        return sorted(Path(each) for each in changed)

    def _run(self) -> None:
        for changes in watch(*self._folders, watch_filter=CodeFilter(), stop_event=self._stop, rust_timeout=500):
            with self._turn:
                self._changed.update(path for _, path in changes)
