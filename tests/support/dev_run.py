"""``manage.py dev`` in a copy of the project, so that a test shares nothing with the checkout that it runs from."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

import httpx

from tests.support.eventually import eventually

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("allegro", "allegro_queue", "templates", "manage.py")
INHERITED = ("PATH", "HOME", "LANG")


def copy_project(folder: Path) -> Path:
    """The code that runs, and nothing else, in a new folder; compiled as it is here, or each process would compile it."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        else:
            shutil.copy(source, folder / part)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class DevRun:
    """One run of ``dev`` in a copied project, killed with all that it started when the test leaves it."""

    def __init__(self, project: Path, *arguments: str, **environment: str) -> None:
        self.project = project
        self.port = int(environment.get("PORT") or free_port())
        self.environment = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "APP_ENV": "local",
            "SECRET_KEY": "only-for-tests",
            "PORT": str(self.port),
            **environment,
        }
        self._arguments = arguments
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command("dev", *self._arguments),
            cwd=self.project,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            children = self.children()
            self.process.kill()
            self.process.wait()
            eventually(lambda: not any(map(is_alive, children)), within=30, explain=lambda: self.output)
        self._reader.join(timeout=10)

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def says(self, text: str, within: float = 60) -> None:
        """Wait until the merged log holds a text."""
        eventually(lambda: text in self.output, within=within, explain=lambda: self.output)

    def is_up(self) -> Self:
        """Wait until it tells where the dashboard is and both programs are at work."""
        self.says(f"Dashboard   http://127.0.0.1:{self.port}/horizon/")
        self.says("worker started")
        return self

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)

    def ends(self, within: float = 30) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(timeout=within)
        self._reader.join(timeout=10)
        return code

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ends()

    def manage(self, *arguments: str) -> str:
        """Another command of ``manage.py`` in the same project, as in a second terminal; what it says."""
        done = subprocess.run(
            self._command(*arguments),
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def children(self) -> dict[int, str]:
        """Process ids and command lines of what it started."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(pid): Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in pids}

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self._lines.append(line)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for yet does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
