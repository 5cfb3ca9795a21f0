"""Which failures are the same: by job, type, message without what differs, and the place in the application. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from allegro_queue.stores.run_record import RunRecord

LONGEST = 300
"""Characters of a message that tell failures apart."""

DIFFERS = re.compile(
    r"""
      (?P<text>"[^"]*"|'(?:[^'\\]|\\.)*'|“[^”]*”|`[^`]*`)
    | (?P<id>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b|\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}\b)
    | (?P<address>[\w.+-]+@[\w.-]+|\bhttps?://\S+)
    | (?P<number>(?<![A-Za-z])[-+]?\d[\d.,:_]*)
    """,
    re.VERBOSE,
)
"""Parts of a message that change from one failure to the next."""

MARKS = {"text": "'…'", "id": "<id>", "address": "<address>", "number": "<n>"}

ERROR = re.compile(r"(?P<exception>[A-Za-z_][\w.]{0,199})(?::\s*(?P<message>.*))?\Z", re.DOTALL)

FRAME = re.compile(r'^  File "(?P<path>[^"\n]+)", line \d+, in (?P<function>.+)$', re.MULTILINE)
LIBRARY = re.compile(r"/(?:site|dist)-packages/|/lib/python\d|^<|/allegro_queue/|/rq/")


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of one failed attempt."""

    exception: str
    """Its type, without the module."""
    message: str
    frame: str
    """``folder/file.py in function``; empty when no frame is the application's own."""
    fingerprint: str


def normalised(message: str) -> str:
    """A message without numbers, ids and quoted texts, on one line."""
    text = DIFFERS.sub(lambda found: MARKS[str(found.lastgroup)], message[: 4 * LONGEST])
    return " ".join(text.split())[:LONGEST]


def application_frame(traceback: str) -> str:
    """The innermost frame that is neither Python's nor a library's; without the line, which moves with each release."""
    own = [frame for frame in FRAME.finditer(traceback) if not LIBRARY.search(frame["path"])]
    if not own:
        return ""
    path = own[-1]["path"].replace("\\", "/").split("/")
    return f"{'/'.join(path[-3:])} in {own[-1]['function']}"


def failure_of(run: RunRecord) -> Failure | None:
    """The failure of an attempt; ``None`` when it did not fail."""
    if run.outcome in ("succeeded", "stopped"):
        return None
    found = ERROR.match(run.error.strip())
    exception, message = (found["exception"], found["message"] or "") if found else ("", run.error)
    exception = exception.rpartition(".")[2]
    if run.outcome == "lost" and not exception:
        exception = "WorkerLost"
    frame = application_frame(run.traceback)
    key = "\x1f".join((run.name, exception, normalised(message), frame))
    return Failure(
        exception=exception,
        message=message,
        frame=frame,
        fingerprint=hashlib.blake2b(key.encode(errors="replace"), digest_size=16).hexdigest(),
    )
