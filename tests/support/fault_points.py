"""Every round trip to Redis is a point at which a process can be made to die, right before it and right after.

Nothing of this is in the library: it is put around the few functions through which all commands leave a process, in test
runs alone. A point is named by the innermost function of ``allegro_queue`` that asked for the round trip, so one that is
added has its points by itself.

``ALLEGRO_FAULT=before-stores.steps.StepStore._send:2:KILL:self`` has the process send itself SIGKILL before its second
step. The number, the signal (``KILL``, ``TERM``, ``STOP``) and the target (``self``, ``parent``, ``group``) may be left out.
"""

from __future__ import annotations

import ast
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from redis import Redis
from redis.client import Pipeline

import allegro_queue
from allegro_queue.stores import enqueue
from allegro_queue.stores.wire import Wire

LIBRARY = Path(allegro_queue.__file__).parent
Side = Literal["before", "after"]
Listener = Callable[[Side, str], None]

EXITS: list[tuple[Any, str]] = [
    (Redis, "execute_command"),
    (Pipeline, "execute"),
    (Pipeline, "immediate_execute_command"),
    (Wire, "call"),
    (enqueue, "exchange"),
]
"""Through these all commands leave a process."""


class RoundTrips:
    """Hears of each round trip of this process while installed; also of those of other threads."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._inside = threading.local()
        self._before: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        for owner, name in EXITS:
            original = getattr(owner, name)
            self._before.append((owner, name, original))
            setattr(owner, name, self._around(original))

    def __enter__(self) -> RoundTrips:
        self.install()
        return self

    def __exit__(self, *exc: object) -> None:
        for owner, name, original in reversed(self._before):
            setattr(owner, name, original)
        self._before.clear()

    def _around(self, original: Any) -> Any:
        @wraps(original)
        def around(*args: Any, **kwargs: Any) -> Any:
            # A pipeline may look for its scripts first; that is part of it.
            if getattr(self._inside, "now", False):
                return original(*args, **kwargs)
            point = asked_by(sys._getframe(1))
            if not point:
                return original(*args, **kwargs)
            self._inside.now = True
            try:
                self._listener("before", point)
                answer = original(*args, **kwargs)
                self._listener("after", point)
                return answer
            finally:
                self._inside.now = False

        return around


def asked_by(frame: FrameType | None) -> str:
    """The innermost function of the library among the callers; empty when there is none."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(str(LIBRARY)):
            return name_of(Path(code.co_filename), code.co_qualname)
        frame = frame.f_back
    return ""


def name_of(file: Path, qualname: str) -> str:
    """A function's name without what is nested in it: ``stores.steps.StepStore._send``."""
    module = ".".join(file.relative_to(LIBRARY).with_suffix("").parts)
    return f"{module}.{qualname.partition('.<locals>')[0]}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One death, planned."""

    side: Side
    point: str
    nth: int = 1
    signal: str = "KILL"
    target: str = "self"

    @classmethod
    def read(cls, words: str) -> Fault:
        """From the form of ``ALLEGRO_FAULT``."""
        where, *rest = words.split(":")
        side, _, point = where.partition("-")
        if side not in ("before", "after") or not point:
            raise ValueError(f"{words!r} names no point; use before-POINT or after-POINT.")
        nth = int(rest.pop(0)) if rest and rest[0].isdigit() else 1
        return cls("before" if side == "before" else "after", point, nth, *rest)

    def strike(self) -> None:
        number = signal.Signals[f"SIG{self.signal}"]
        if self.target == "group":
            os.killpg(0, number)
        else:
            os.kill(os.getppid() if self.target == "parent" else os.getpid(), number)

    def install(self, times: Callable[[], bool] = lambda: True) -> None:
        """Have it happen in this process. ``times`` is asked whether it may happen (again)."""
        seen = Counter[Side]()

        def listen(side: Side, point: str) -> None:
            if side == self.side and point == self.point:
                seen[side] += 1
                if seen[side] == self.nth and times():
                    self.strike()

        RoundTrips(listen).install()


def install_from_environment() -> None:
    """The fault in ``ALLEGRO_FAULT``, once among all processes that share the file ``FAULT_TRAIL``."""
    fault = Fault.read(os.environ["ALLEGRO_FAULT"])
    trail = os.environ["FAULT_TRAIL"]

    def first() -> bool:
        try:
            os.close(os.open(trail, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True

    fault.install(first)


class CallSites(ast.NodeVisitor):
    """Functions of one file that ask for a round trip, by their own text."""

    READY = ("pipeline", "register_script", "connection_pool", "close", "from_url", "get_encoder")
    CLIENTS = ("_client", "client", "connection", "_connection")

    def __init__(self, file: Path) -> None:
        self._file = file
        self._path: list[str] = []
        self._scripts: set[str] = set()
        self.found: set[str] = set()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scripts |= {
            each.targets[0].attr
            for each in ast.walk(node)
            if isinstance(each, ast.Assign)
            and isinstance(each.targets[0], ast.Attribute)
            and isinstance(each.value, ast.Call)
            and isinstance(each.value.func, ast.Attribute)
            and each.value.func.attr == "register_script"
        }
        self._nested(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._nested(node)

    def _nested(self, node: ast.ClassDef | ast.FunctionDef) -> None:
        self._path.append(node.name)
        self.generic_visit(node)
        self._path.pop()

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        called = node.func
        if isinstance(called, ast.Name) and called.id == "exchange":
            self._note()
        if not isinstance(called, ast.Attribute):
            return
        owner = called.value
        of_client = isinstance(owner, ast.Attribute) and owner.attr in self.CLIENTS and called.attr not in self.READY
        of_wire = isinstance(owner, ast.Attribute) and owner.attr == "_wire" and called.attr == "call"
        of_script = called.attr in self._scripts and not any(each.arg == "client" for each in node.keywords)
        of_pipeline = called.attr == "execute" and isinstance(owner, ast.Name)
        if of_client or of_wire or of_script or of_pipeline:
            self._note()

    def _note(self) -> None:
        # A function inside a function is part of it, as in the names of points.
        depth = 2 if len(self._path) > 1 and self._path[0][0].isupper() else 1
        self.found.add(name_of(self._file, ".".join(self._path[:depth])))


def points_in_code(*folders: str) -> set[str]:
    """Names of the functions in these folders of the library that ask for a round trip."""
    found: set[str] = set()
    for folder in folders:
        for file in sorted((LIBRARY / folder).rglob("*.py")):
            sites = CallSites(file)
            sites.visit(ast.parse(file.read_text(encoding="utf-8")))
            found |= sites.found
    return found
