"""A lock that the kernel frees however its holder dies, and that leaves no file behind."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """Held by one process at a time, from ``take()`` to ``release()`` or the process's end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Whether the lock is ours now; never waits."""
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            if self._is_the_file(descriptor):
                self._descriptor = descriptor
                return True
            # Its last holder removed the file between our opening and our locking.
            os.close(descriptor)

    def release(self) -> None:
        """Remove the file and free the lock; nothing if it is not held."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _is_the_file(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._path.stat())
        except FileNotFoundError:
            return False
