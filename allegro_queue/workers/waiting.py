"""Waiting for a signal and for news on a connection at once, so that neither has to wait for the other."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from types import FrameType
from typing import Self

from allegro_queue.inbox import SignalInbox


class WakefulInbox(SignalInbox):
    """An inbox whose owner may rest on a file as well: a signal rings a pipe that it waits on too."""

    _ears = _bell = -1

    def __enter__(self) -> Self:
        self._ears, self._bell = os.pipe()
        os.set_blocking(self._ears, False)
        os.set_blocking(self._bell, False)
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        ears, bell, self._ears, self._bell = self._ears, self._bell, -1, -1
        os.close(ears)
        os.close(bell)

    def deliver(self, number: int, frame: FrameType | None = None) -> None:
        super().deliver(number, frame)
        if self._bell >= 0:
            # A full pipe rings anyway.
            with suppress(BlockingIOError):
                os.write(self._bell, b".")

    def wait_beside(self, file: int, seconds: float) -> list[signal.Signals]:
        """Rest until a signal comes, the file has something to read, or the time is up; the signals that came."""
        poll = select.poll()
        poll.register(self._ears, select.POLLIN)
        poll.register(file, select.POLLIN)
        poll.poll(seconds * 1000)
        with suppress(BlockingIOError):
            while os.read(self._ears, 4096):
                pass
        return self.wait(0)
