"""Jobs for tests about what a job may ask for, and about jobs that run in a process of their own."""

from __future__ import annotations

import faulthandler
import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from rq import Retry, get_current_job
from rq.command import send_stop_job_command

from allegro_queue.connection import client
from allegro_queue.stores import open_stores
from allegro_queue.tellings import verbatim
from allegro_queue.tenancy import current_tenant
from allegro_queue.workers.settling import settle
from tests.support.jobs import note


def process_id() -> int:
    return os.getpid()


def tenant(path: str) -> str:
    """Note for whom it acts."""
    note(path, current_tenant() or "nobody")
    return current_tenant()


def text_of(size: int) -> str:
    return "x" * size


def no_json() -> object:
    return object()


def ask_again(interval: int) -> Any:
    return Retry(max=2, interval=interval)


def fail_deep() -> None:
    raise KeyError("no such member: 42")


def die(number: int) -> None:
    """End its own process by a signal, without a traceback in the run's output: it is meant."""
    faulthandler.disable()
    os.kill(os.getpid(), number)
    time.sleep(30)


def leave(code: int) -> None:
    """End its own process as if nothing were left to do."""
    os._exit(code)


def exit_politely() -> None:
    sys.exit(0)


def close_every_file() -> None:
    os.closerange(3, 4096)


def leave_some_behind(path: str) -> None:
    """Return with a thread and a process at work that have this process's files open."""
    threading.Thread(target=time.sleep, args=(60,)).start()
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    Path(path).write_text(str(pid))


def take_the_alarm() -> None:
    """Have the alarm do nothing, and sleep."""
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    time.sleep(30)


def rest(seconds: float) -> None:
    time.sleep(seconds)


def sleep_deaf(path: str) -> None:
    """Note its process, and sleep on whatever is raised into it."""
    note(path, str(os.getpid()))
    while True:
        try:
            time.sleep(0.05)
        except BaseException:
            continue


def sleep_long(path: str) -> None:
    """Note its process, and sleep."""
    note(path, str(os.getpid()))
    time.sleep(60)


def wait_for(path: str, release: str) -> int:
    """Note its process, and run until the file ``release`` exists."""
    note(path, str(os.getpid()))
    while not Path(release).exists():
        time.sleep(0.02)
    return os.getpid()


def stop_from_outside() -> None:
    """Have RQ's stop command sent to itself, and wait for what comes of it."""
    job = get_current_job()
    assert job is not None
    send_stop_job_command(client(), job.id)
    time.sleep(30)


def sockets_of_the_parent(numbers: list[int]) -> list[int]:
    """Which of these files are still sockets here."""
    found = []
    for number in numbers:
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                found.append(number)
        except OSError:
            continue
    return found


def open_sockets() -> list[int]:
    """Files of this process that are sockets."""
    return sockets_of_the_parent([int(name) for name in os.listdir("/proc/self/fd")])


def touch_redis_and_database() -> list[int]:
    """Use both, as a job does; how many users and keys there are."""
    return [get_user_model().objects.count(), client().dbsize()]


def grow(mebibytes: int) -> None:
    """Leave so much memory in use behind."""
    kept.append(bytearray(os.urandom(1024)) * (mebibytes * 1024))


kept: list[bytearray] = []


def fork_and_return() -> int:
    """Return twice."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    return 1 if pid else 2


def be_settled_and_run_again(lock: str) -> None:
    """Be taken for dead, after which another execution works on the same."""
    job = get_current_job()
    assert job is not None
    stores = open_stores()
    settle(stores, str(job.worker_name), host="here", pid=1, reason=verbatim("showed no sign of life for 30 seconds"))
    stores.client.set(stores.keys.overlap(lock), "another")
    stores.client.set(stores.keys.unique(lock), "another")


def work_alone(path: str, name: str) -> None:
    """Note a begin and an end, with a moment in between."""
    note(path, f"begin {name}")
    time.sleep(0.05)
    note(path, f"end {name}")
