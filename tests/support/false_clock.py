"""A system clock that is wrong, under real processes: libfaketime, loaded into them, tells them another time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

LIBRARIES = "usr/lib/*/faketime/libfaketimeMT.so.1"
SHARED = Path("/dev/shm")


class FalseClock:
    """The clock of all processes that are started with ``environment``. It runs; it can be set at any time."""

    def __init__(self, folder: Path, name: str) -> None:
        """``name`` tells it from other clocks in the same folder."""
        self._file = folder / f"{name}.clock"
        self._ahead = 0.0
        self.put(0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Remove what the library leaves behind of processes that did not end by themselves."""
        for left in SHARED.glob("*faketime_s*_*"):
            if not Path("/proc", left.name.rpartition("_")[2]).exists():
                left.unlink(missing_ok=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of the processes that go by it. How long something takes they measure rightly."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    @property
    def now(self) -> float:
        return time.time() + self._ahead

    def put(self, ahead: float) -> None:
        """Put it some seconds before the right time, or behind it."""
        self._ahead = round(ahead, 3)
        # Replaced whole, since it is read again at each look at the clock.
        fresh = self._file.with_suffix(".fresh")
        fresh.write_text(f"{self._ahead:+.3f}\n")
        fresh.replace(self._file)

    def set(self, moment: float) -> None:
        """Set it to a moment, in Unix seconds."""
        self.put(moment - time.time())


def library() -> Path | None:
    """What is loaded into the processes; ``None`` when this machine has none (Debian's package is ``faketime``)."""
    return next(Path("/").glob(LIBRARIES), None)
