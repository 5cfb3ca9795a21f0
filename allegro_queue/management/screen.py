"""The whole terminal for a while: drawn anew at each look, and given back as it was, however one leaves."""

from __future__ import annotations

import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from allegro_queue.management.overview_text import Line

ENTER = "\x1b[?1049h\x1b[?25l"
LEAVE = "\x1b[?25h\x1b[?1049l"
HOME, REST_OF_LINE, REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
LEAVING_KEYS = ("q", "Q", "\x03", "\x04")


class Left(Exception):
    """Somebody wants to leave."""


@contextmanager
def whole_screen(output: TextIO) -> Iterator[None]:
    """A screen of its own, keys one by one."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise Left

    before = termios.tcgetattr(sys.stdin)
    handlers = {each: signal.signal(each, leave) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        tty.setcbreak(sys.stdin)
        output.write(ENTER)
        yield
    finally:
        output.write(LEAVE)
        output.flush()
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        for each, handler in handlers.items():
            signal.signal(each, handler)


def watch(output: TextIO, lines: Callable[[], Sequence[Line]], seconds: float, *, colours: bool) -> None:
    """Draw the lines every so many seconds, until ``q``."""
    try:
        with whole_screen(output):
            while True:
                output.write(drawn(lines(), shutil.get_terminal_size(), colours=colours))
                output.flush()
                ready, _, _ = select.select([sys.stdin], [], [], seconds)
                if ready and sys.stdin.read(1) in ("", *LEAVING_KEYS):
                    return
    except (Left, KeyboardInterrupt):
        return


def drawn(lines: Sequence[Line], size: tuple[int, int], *, colours: bool) -> str:
    """One screen, overwritten in place so that it does not flicker."""
    width, height = size
    shown = [each.drawn(width, colours=colours) for each in lines[:height]]
    if len(lines) > height:
        more = len(lines) - height + 1
        shown[-1] = Line(f"… {more} more lines", "quiet").drawn(width, colours=colours)
    return HOME + "\n".join(each + REST_OF_LINE for each in shown) + REST_OF_SCREEN
