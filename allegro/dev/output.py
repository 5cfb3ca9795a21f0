"""One log of many processes: each line with the name of who wrote it, coloured on a terminal, plain elsewhere."""

from __future__ import annotations

import re
import threading
from typing import IO, TextIO

COLOURS = {"dev": 35, "web": 36, "horizon": 32}
"""ANSI colour by name; a name that is not here gets none."""
WIDTH = max(len(name) for name in COLOURS)

STYLE = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f\x80-\x9f]|\x1b(?!\[[0-9;]*m)")
"""What a log line must not do to a terminal: everything but tabs and colours."""


class MergedLog:
    """Writes whole lines, one at a time, from any thread."""

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self._stream = stream
        self._colour = colour
        self._turn = threading.Lock()
        self.is_broken = False
        """Whether nobody reads any more (a closed pipe, a closed terminal)."""

    def line(self, name: str, text: str) -> None:
        """Write one line of one process; an empty one is left out."""
        if text.strip():
            self._write(f"{self._label(name)} {self._clean(text)}")

    def block(self, lines: dict[str, str]) -> None:
        """Write label and value pairs that stand out from the log."""
        wide = max(len(label) for label in lines)
        rows = (f"  {self._paint(label.ljust(wide), 1)}  {value}" for label, value in lines.items())
        self._write("\n" + "\n".join(rows) + "\n")

    def follow(self, name: str, pipe: IO[bytes]) -> threading.Thread:
        """Copy what a process writes, line by line, until it closes its end."""

        def copy() -> None:
            with pipe:
                for raw in pipe:
                    self.line(name, raw.decode(errors="replace").rstrip("\r\n"))

        thread = threading.Thread(target=copy, name=f"log of {name}", daemon=True)
        thread.start()
        return thread

    def _write(self, text: str) -> None:
        with self._turn:
            if self.is_broken:
                return
            try:
                self._stream.write(text + "\n")
                self._stream.flush()
            except OSError:
                self.is_broken = True

    def _label(self, name: str) -> str:
        return self._paint(f"{name:<{WIDTH}} │", COLOURS.get(name, 0))

    def _paint(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text

    def _clean(self, text: str) -> str:
        text = CONTROL.sub("", text)
        if not self._colour:
            return STYLE.sub("", text)
        return f"{text}\x1b[0m" if STYLE.search(text) else text
