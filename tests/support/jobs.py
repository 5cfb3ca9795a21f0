"""Jobs that tests dispatch."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

from django.utils import translation
from redis import Redis
from rq import get_current_job
from rq.command import send_stop_job_command
from rq.job import Job

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions, job
from allegro_queue.stores import open_stores
from allegro_queue.tellings import verbatim
from allegro_queue.workers.settling import settle


def nothing() -> None:
    """Succeeds at once."""


def add(left: int, right: int) -> int:
    return left + right


def fail(message: str = "as asked") -> None:
    raise ValueError(message)


@job(queue="high")
def urgent() -> None:
    """Declared for the queue ``high``."""


def remind(member: int, at: str = "noon") -> None:
    """Has a parameter of a name that ``dispatch`` takes for itself."""


@job(unique=300, unique_key="member:{member}", tags=("member:{member}",))
def refresh(member: int, force: bool = False) -> None:
    """Declared unique by its member alone."""


def note(path: str, word: str) -> None:
    """Append a word to a file, so that a test can see what ran and in which order."""
    with Path(path).open("a") as file:
        file.write(word + "\n")


def hold(path: str, release: str, word: str = "held") -> None:
    """Note that it runs, then run until the file ``release`` exists."""
    note(path, word)
    while not Path(release).exists():
        time.sleep(0.02)
    note(path, word + " ended")


def swallow_time_limit() -> None:
    """Never ends, and catches every ordinary exception."""
    while True:
        try:
            time.sleep(0.1)
        except Exception:
            continue


def note_and_fail(path: str) -> None:
    """Note the attempt, and fail."""
    note(path, "tried")
    raise ValueError("as asked")


def note_and_dispatch(path: str, word: str, late: str) -> None:
    """Note a word, and queue another note on ``high``."""
    note(path, word)
    dispatch(note, path, late, options=JobOptions(queue="high"))


def note_language_and_switch(path: str, language: str) -> None:
    """Note the language in force, and leave another one behind."""
    note(path, translation.get_language() or "none")
    translation.activate(language)


def ignore_everything() -> None:
    """Never ends, whatever is raised into it."""
    while True:
        try:
            time.sleep(0.1)
        except BaseException:
            continue


def stop_itself_and_wait() -> None:
    """Ask for its own end as an operator would, through RQ, and wait for it."""
    job = get_current_job()
    assert job is not None
    send_stop_job_command(job.connection, job.id)
    time.sleep(30)


def be_taken_for_dead() -> None:
    """Return after somebody settled this very job, as happens to a worker that was silent too long."""
    job = get_current_job()
    assert job is not None
    settle(
        open_stores(),
        str(job.worker_name),
        host="here",
        pid=1,
        reason=verbatim("showed no sign of life for 30 seconds"),
    )


def note_the_time(path: str) -> None:
    """Append the time, by the clock that never jumps and that all processes share."""
    note(path, repr(time.monotonic()))


def hold_the_interpreter(path: str) -> None:
    """Hang for ever inside one call that lets no other thread and no signal handler of this process run."""
    note(path, "began")
    library, lock = ctypes.PyDLL(None), ctypes.create_string_buffer(128)
    library.pthread_mutex_lock(lock)
    library.pthread_mutex_lock(lock)


def note_success(job: Job, connection: Redis, result: object) -> None:
    """A success callback: notes where the job did."""
    note(job.args[0], "succeeded")


def note_failure(job: Job, connection: Redis, *error: object) -> None:
    """A failure callback: notes where the job did."""
    note(job.args[0], "failed")


def note_with_time(path: str, times: str, word: str) -> None:
    """Note a word in one file, and the time in another."""
    note(path, word)
    note_the_time(times)


def enter(ledger: str, seconds: float) -> None:
    """Enter start and end in a ledger, one line each, in one write."""
    job = get_current_job()
    assert job is not None
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"start {job.id}\n".encode())
    time.sleep(seconds)
    os.write(file, f"end {job.id}\n".encode())
    os.close(file)
