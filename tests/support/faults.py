"""Processes that die at a chosen point: an app that the settings in ``faulty.py`` install."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.apps import AppConfig

from allegro_queue.begun import Begun
from allegro_queue.supervision import pool
from tests.support.fault_points import install_from_environment


class Faults(AppConfig):
    name = "tests.support"
    label = "faults"

    def ready(self) -> None:
        """``FAULT`` names the point; each death leaves a byte in the file ``FAULT_TRAIL``, ``FAULT_TIMES`` at most.

        ``ALLEGRO_FAULT`` names a round trip (``fault_points.py``). With ``NO_COOL_DOWN`` workers that are killed one
        after the other are replaced at once, as if each had lived long.
        """
        if "FAULT" in os.environ:
            POINTS[os.environ["FAULT"]]()
        if "ALLEGRO_FAULT" in os.environ:
            install_from_environment()
        if "NO_COOL_DOWN" in os.environ:
            pool.QUICK_DEATH_SECONDS = 0.0


def die() -> None:
    """End as by the kernel's hand, unless it has happened often enough."""
    trail = Path(os.environ["FAULT_TRAIL"])
    if (trail.stat().st_size if trail.exists() else 0) >= int(os.environ.get("FAULT_TIMES", "1")):
        return
    with trail.open("ab") as file:
        file.write(b".")
    os.kill(os.getpid(), signal.SIGKILL)


def around_begin(before: bool) -> Callable[[], None]:
    """Dies right before the job's function is called, as far as shared memory knows, or right after."""

    def install() -> None:
        begin = Begun.begin

        def faulty(self: Begun, execution_id: str) -> None:
            if before:
                die()
            begin(self, execution_id)
            if not before:
                die()

        Begun.begin = faulty  # type: ignore[method-assign]

    return install


def at_boot() -> None:
    """Each worker dies before it is one."""
    from allegro_queue.workers import child

    make = child.make_worker

    def dies(*given: Any, **options: Any) -> Any:
        die()
        return make(*given, **options)

    child.make_worker = dies


POINTS: dict[str, Callable[[], None]] = {
    "before it began": around_begin(before=True),
    "after it began": around_begin(before=False),
    "at boot": at_boot,
}
