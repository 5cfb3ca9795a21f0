"""How many jobs that do nothing one worker process runs per second, and how soon an idle one starts a job.

    python bench/worker.py

Ours against RQ's SimpleWorker and RQ's Worker (which forks per job), and against a bare loop that sends Redis the same
bookkeeping and does nothing else. Each round runs every kind once, in turning order, so that a busy machine is busy for
all of them; what counts is the median of the ratios within a round. A Redis server of its own is started, without
persistence. The last result is kept in ``bench/results/worker.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import family  # noqa: E402
import peers  # noqa: E402
from redis import Redis  # noqa: E402
from redis.exceptions import RedisError  # noqa: E402
from rq import Queue  # noqa: E402
from rq.serializers import JSONSerializer  # noqa: E402
from rq.utils import str_to_date  # noqa: E402
from work import QUEUES  # noqa: E402

from allegro.dev.valkey import engine_of, server_binary  # noqa: E402

KINDS = {
    "ours": "allegro_queue",
    "unrecorded": "allegro_queue without run records",
    "bare": "bare loop",
    "simple": "RQ SimpleWorker",
    "worker": "RQ Worker",
    "celery": "Celery, solo pool",
    "dramatiq": "Dramatiq, one thread",
}
JOBS = {"ours": 5000, "unrecorded": 5000, "bare": 5000, "simple": 400, "worker": 80, "celery": 500, "dramatiq": 500}
WAKES = {"ours": 300, "simple": 300, "worker": 60}
RESULT = HERE / "results" / "worker.md"


@dataclass(frozen=True, slots=True)
class Drain:
    """One kind of worker, once through its jobs."""

    per_second: float
    worker_us: float
    """Microseconds of the processor per job, without the start of the process."""
    redis_us: float
    trips: float
    """Reads that the server made of its connections, per job."""


@contextmanager
def server() -> Iterator[tuple[Redis, int]]:
    """A server on a free port of this host."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [server_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        process = subprocess.Popen([*command, "--logfile", "server.log", "--stream-node-max-bytes", "512"])
        try:
            redis = Redis(port=port)
            while not answers(redis):
                time.sleep(0.02)
            yield redis, port
        finally:
            process.terminate()
            process.wait()


def answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def start(kind: str, port: int, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, HERE / "work.py", kind, str(port), how],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])},
    )


def fill(redis: Redis, count: int) -> list[str]:
    """Queue so many jobs; their ids in order."""
    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    ids: list[str] = []
    for first in range(0, count, 500):
        chunk = [Queue.prepare_data("noop.nothing") for _ in range(min(500, count - first))]
        ids += [job.id for job in queue.enqueue_many(chunk)]
    return ids


def drain(redis: Redis, port: int, kind: str, scale: float) -> Drain:
    """Let one worker run its jobs, and look at what it took."""
    redis.flushall()
    if kind in peers.PEERS:
        return drain_peer(redis, port, kind, int(JOBS[kind] * scale))
    ids = fill(redis, int(JOBS[kind] * scale))
    before = redis.info("all")
    process = start(kind, port, "burst")
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{kind} ended with {process.returncode}")
    after = redis.info("all")
    finished = redis.zcard("rq:finished:default")
    # The bare loop's jobs are filed just like the others.
    if finished != len(ids):
        raise SystemExit(f"{kind} finished {finished} of {len(ids)} jobs")
    started = str_to_date(redis.hget(f"rq:job:{ids[0]}", "started_at"))
    ended = max(str_to_date(redis.hget(f"rq:job:{each}", "ended_at")) for each in ids[-8:])
    seconds = (ended - started).total_seconds()
    spent = sum(float(after[each]) - float(before[each]) for each in ("used_cpu_sys", "used_cpu_user"))
    return Drain(
        per_second=len(ids) / seconds,
        worker_us=json.loads(said.splitlines()[-1])["processor"] / len(ids) * 1e6,
        redis_us=spent / len(ids) * 1e6,
        trips=(after["total_reads_processed"] - before["total_reads_processed"]) / len(ids),
    )


def drain_peer(redis: Redis, port: int, kind: str, count: int) -> Drain:
    """The same with another queue, which keeps no times and does not leave by itself."""
    peers.fill(kind, port, count)
    before = redis.info("all")
    process = start(kind, port, "for ever")
    try:
        while peers.results(redis, kind) < count:
            if process.poll() is not None:
                raise SystemExit(f"{kind} ended with {process.returncode}")
            time.sleep(0.1)
        after = redis.info("all")
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=30)
    took = json.loads(said.splitlines()[-1])
    spent = sum(float(after[each]) - float(before[each]) for each in ("used_cpu_sys", "used_cpu_user"))
    return Drain(
        per_second=(count - 1) / took["seconds"],
        worker_us=took["processor"] / count * 1e6,
        redis_us=spent / count * 1e6,
        trips=(after["total_reads_processed"] - before["total_reads_processed"]) / count,
    )


def wake(redis: Redis, port: int, kind: str, queue: str, count: int) -> list[float]:
    """Milliseconds from when a job is pushed to its first line, on an idle worker."""
    redis.flushall()
    process = start(kind, port, "for ever")
    target = Queue(queue, connection=redis, serializer=JSONSerializer)
    waited = []
    try:
        # The first ones find a worker that is still starting.
        for number in range(count + 5):
            job = target.create_job("noop.say_when")
            job.save()
            time.sleep(0.02)
            pushed = time.time()
            redis.rpush(target.key, job.id)
            answer = redis.blpop("bench:woke", timeout=30)
            if answer is None:
                raise SystemExit(f"{kind} did not run a job on {queue}")
            if number >= 5:
                waited.append((float(answer[1]) - pushed) * 1000)
    finally:
        process.terminate()
        process.communicate()
    return waited


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--scale", type=float, default=1.0, help="factor on the number of jobs")
    given = arguments.parse_args()
    kinds = [kind for kind in KINDS if peers.PEERS.get(kind, True)]
    rounds: dict[str, list[Drain]] = {kind: [] for kind in kinds}
    woken: dict[tuple[str, str], list[float]] = {}
    with server() as (redis, port):
        for number in range(given.rounds):
            order = kinds if number % 2 == 0 else kinds[::-1]
            for kind in order:
                result = drain(redis, port, kind, given.scale)
                rounds[kind].append(result)
                print(f"round {number + 1} {kind:7s} {result.per_second:8.0f} jobs/s", flush=True)
        for queue in QUEUES:
            for kind, count in WAKES.items():
                woken[kind, queue] = wake(redis, port, kind, queue, max(int(count * given.scale), 5))
        tree = family.measure(redis, port)
    text = report(rounds, woken) + tree
    print("\n" + text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)


def report(rounds: dict[str, list[Drain]], woken: dict[tuple[str, str], list[float]]) -> str:
    """The tables, as Markdown."""

    def ratios(kind: str, other: str, of: str = "per_second") -> str:
        both = zip(rounds[kind], rounds[other], strict=True)
        each = [getattr(mine, of) / getattr(theirs, of) for mine, theirs in both]
        return f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})"

    count = len(rounds["ours"])
    lines = [
        "# One worker process, jobs that do nothing",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {count} rounds, {os.cpu_count()} processors, Python {platform.python_version()}, "
        f"{engine_of(server_binary())} on this host, three queues, JSON. Medians; a ratio is taken within each round.",
        "",
        "| | jobs/s | × SimpleWorker (least to most) | worker µs/job | Redis µs/job | trips/job |",
        "|---|---|---|---|---|---|",
    ]
    for kind, each in rounds.items():
        title = KINDS[kind]
        middle = [
            statistics.median(getattr(one, of) for one in each)
            for of in ("per_second", "worker_us", "redis_us", "trips")
        ]
        lines.append(
            f"| {title} | {middle[0]:.0f} | {ratios(kind, 'simple')} | {middle[1]:.0f} | {middle[2]:.0f} "
            f"| {middle[3]:.2f} |"
        )
    lines += [
        "",
        f"- ours × RQ Worker: {ratios('ours', 'worker')}",
        f"- ours × bare loop: {ratios('ours', 'bare')}",
        f"- ours × ours without run records: {ratios('ours', 'unrecorded')}",
        *(f"- ours × {KINDS[kind]}: {ratios('ours', kind)}" for kind in peers.PEERS if kind in rounds),
        f"- processor of the worker, SimpleWorker's ÷ ours: {ratios('simple', 'ours', 'worker_us')}",
        f"- processor of Redis, SimpleWorker's ÷ ours: {ratios('simple', 'ours', 'redis_us')}",
        "",
        "Trips are the reads that the server made of its connections, with those of start, heartbeat and leave.",
        "Metrics are made of the run records, by the collector, which did not run beside.",
        "",
        "## From the push to the job's first line, idle worker",
        "",
        "| | queue | samples | p50 ms | p99 ms |",
        "|---|---|---|---|---|",
    ]
    for (kind, queue), waited in woken.items():
        middle, late = quantile(waited, 0.5), quantile(waited, 0.99)
        lines.append(f"| {KINDS[kind]} | {queue} | {len(waited)} | {middle:.2f} | {late:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
