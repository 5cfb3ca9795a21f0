"""One run of ``dev``: its children side by side until somebody says stop, then a clean end, the server last."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from allegro.dev.children import Child, Program
from allegro.dev.output import MergedLog
from allegro_queue.inbox import SignalInbox

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TICK_SECONDS = 0.2


class Session:
    """Runs programs in the order given, those that need the pages once there are pages; stops them in that order.

    Args:
        changes: which files of the code changed since the last call.
        trouble: why the Redis server can no longer be used, in words; empty while all is well.
        is_ready: whether the pages can be opened.
        welcome: what to say once they can.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        inbox: SignalInbox,
        log: MergedLog,
        changes: Callable[[], Sequence[Path]],
        trouble: Callable[[], str],
        is_ready: Callable[[], bool],
        welcome: dict[str, str],
    ) -> None:
        self.children = [Child(program, log) for program in programs]
        self._inbox = inbox
        self._log = log
        self._changes = changes
        self._trouble = trouble
        self._is_ready = is_ready
        self._welcome = welcome
        self._announced = False
        self._awaiting_change: list[Child] = []

    def run(self) -> int:
        """Everything, from start to end; the exit code."""
        try:
            self._start(lambda program: not program.needs_pages)
            code = self._supervise()
        finally:
            self._stop()
        return code

    def _supervise(self) -> int:
        while True:
            if self._inbox.wait(TICK_SECONDS) or self._log.is_broken:
                self._say("Stopping. Running jobs may finish; Ctrl-C again to hurry.")
                return 0
            if trouble := self._trouble():
                self._say(trouble)
                return 1
            for child in self.children:
                if problem := self._look_after(child):
                    self._say(problem)
                    return 1
            self._reload(self._changes())
            self._announce()

    def _look_after(self, child: Child) -> str:
        """One look at a child; why everything must stop, in words, or nothing."""
        now = time.monotonic()
        child.tick(now)
        if not child.has_died or child in self._awaiting_change:
            return ""
        may_be_mended = child.fell_over_a_change(now)
        child.drain()
        if not may_be_mended:
            return f"{child.program.name} {child.ending}, so everything stops. Its lines above say why."
        # Somebody is in the middle of an edit.
        self._awaiting_change.append(child)
        self._say(f"{child.program.name} {child.ending}. It is started again with the next change of the code.")
        return ""

    def _reload(self, changed: Sequence[Path]) -> None:
        if not changed:
            return
        names = ", ".join(path.name for path in changed[:3]) + (" and more" if len(changed) > 3 else "")
        self._say(f"{names} changed: starting {' and '.join(each.program.name for each in self.children)} again.")
        self._awaiting_change.clear()
        for child in self.children:
            child.reload(time.monotonic())

    def _announce(self) -> None:
        if not self._announced and self._is_ready():
            self._announced = True
            self._log.block(self._welcome)
            self._start(lambda program: program.needs_pages)

    def _start(self, is_due: Callable[[Program], bool]) -> None:
        for child in self.children:
            # A change of the code may have started it already.
            if is_due(child.program) and not child.was_started:
                child.start()

    def _stop(self) -> None:
        """Each child in turn is asked, waited for, and killed when its grace is over; a further signal hurries all."""
        in_a_hurry = False
        for child in self.children:
            child.terminate(time.monotonic())
            if in_a_hurry:
                # Two signals at once would arrive as one.
                self._inbox.wait(TICK_SECONDS)
                child.hurry(time.monotonic())
            while child.is_alive:
                if self._inbox.wait(TICK_SECONDS / 4):
                    in_a_hurry = True
                    child.hurry(time.monotonic())
                child.tick(time.monotonic())
            child.drain()

    def _say(self, text: str) -> None:
        for line in text.splitlines():
            self._log.line("dev", line)
