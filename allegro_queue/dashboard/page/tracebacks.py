"""A traceback as a reader wants it: the error first, the site's own frames open, library frames folded. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from allegro_queue.dashboard.page.formats import count
from allegro_queue.masking import masked
from allegro_queue.wording import worded

FRAME = re.compile(r'^  File "(?P<path>[^"\n]*)", line (?P<line>\d+)(?:, in (?P<function>.*))?$')
INSTALLED = re.compile(r".*(?:site|dist)-packages/(?P<package>[^/]+)")
STANDARD = re.compile(r".*/lib/python\d|^<")
MACHINERY = ("allegro_queue",)
"""Packages between RQ and the job, which tell a reader as little as RQ's own frames."""

NOISE = ("Traceback (most recent call last):",)
LAST_PARTS = 4
"""Parts of a path that are shown of a file whose root is not known."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One call."""

    place: str
    """File and line: ``allegro/audience/jobs.py:57``."""
    function: str
    code: str
    package: str
    """The library it belongs to; empty for the site's own code."""


@dataclass(frozen=True, slots=True)
class Step:
    """What stands together in the list: one own frame, a run of library frames, or words between two tracebacks."""

    frames: tuple[Frame, ...] = ()
    words: str = ""
    last: bool = False
    """Whether it holds the frame that raised."""

    @property
    def folded(self) -> bool:
        return bool(self.frames) and bool(self.frames[0].package) and not self.last

    @property
    def packages(self) -> str:
        names = list(dict.fromkeys(frame.package for frame in self.frames))
        first, rest = ", ".join(names[:3]), len(names) - 3
        return worded(gettext("{names} and {n} more"), names=first, n=count(rest)) if rest > 0 else first


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole traceback."""

    error: str
    """The error, from its first line to the end."""
    steps: tuple[Step, ...] = ()


def read_trace(traceback: str, roots: Sequence[str] = ()) -> Trace:
    """A traceback's text taken apart. What is private is masked, but in lines of code, which hold names, not data.

    Args:
        roots: folders that the site's own files stand under; they are left out of the paths.
    """
    lines = traceback.strip("\n").splitlines()
    frames = [place for place, line in enumerate(lines) if FRAME.match(line)]
    if not frames:
        return Trace(error=masked("\n".join(lines)))
    error_at = end_of_frame(lines, frames[-1])
    steps: list[Step] = []
    words: list[str] = []
    place = 0
    while place < error_at:
        if not FRAME.match(lines[place]):
            if lines[place].strip() and lines[place].strip() not in NOISE:
                words.append(lines[place])
            place += 1
            continue
        if words:
            steps.append(Step(words=masked("\n".join(words))))
            words = []
        end = end_of_frame(lines, place)
        add(steps, read_frame(lines[place:end], roots), is_last=place == frames[-1])
        place = end
    return Trace(error=masked("\n".join(lines[error_at:]).strip()), steps=tuple(steps))


def end_of_frame(lines: Sequence[str], start: int) -> int:
    """Where the lines of code under a frame end."""
    place = start + 1
    while place < len(lines) and lines[place].startswith("    "):
        place += 1
    return place


def read_frame(lines: Sequence[str], roots: Iterable[str]) -> Frame:
    match = FRAME.match(lines[0])
    assert match is not None
    path = match["path"].replace("\\", "/")
    code = [line.strip() for line in lines[1:] if line.strip(" ~^")]
    package = package_of(path)
    return Frame(
        place=f"{short_path(path, roots)}:{match['line']}",
        function=match["function"] or "",
        code="\n".join(code),
        package=package,
    )


def package_of(path: str) -> str:
    """The library a file belongs to; empty for the site's own."""
    for package in MACHINERY:
        if f"/{package}/" in path and "/tests/" not in path:
            return package
    installed = INSTALLED.match(path)
    if installed:
        return installed["package"].removesuffix(".py")
    return "Python" if STANDARD.match(path) else ""


def short_path(path: str, roots: Iterable[str]) -> str:
    """A path without the part that is the same for all."""
    for mark in ("site-packages/", "dist-packages/"):
        if mark in path:
            return path.rpartition(mark)[2]
    for root in sorted((each.rstrip("/") + "/" for each in roots if len(each) > 1), key=len, reverse=True):
        if path.startswith(root):
            return path.removeprefix(root)
    return "/".join(path.split("/")[-LAST_PARTS:])


def add(steps: list[Step], frame: Frame, *, is_last: bool) -> None:
    """Put a frame on the list; library frames next to each other stand together."""
    previous = steps[-1] if steps else None
    if not is_last and frame.package and previous is not None and previous.folded:
        steps[-1] = Step(frames=(*previous.frames, frame))
    else:
        steps.append(Step(frames=(frame,), last=is_last))
