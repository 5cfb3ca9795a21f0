"""What becomes of the schedule while its schedulers are killed, and how fast due jobs are moved.

    python bench/schedule_storm.py [--seconds 60] [--only kills,leaders,deploys,storm,moves]

A Redis server of its own is started, without persistence. The last result is kept in
``bench/results/schedule_storm.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT)]

from redis import Redis  # noqa: E402
from redis.exceptions import ConnectionError  # noqa: E402
from rq import Queue  # noqa: E402
from rq.serializers import JSONSerializer  # noqa: E402

from allegro.dev.valkey import server_binary  # noqa: E402

RESULT = HERE / "results" / "schedule_storm.md"
JOB = "tests.support.jobs.nothing"
SCHEDULED = "rq:scheduler:scheduled_jobs"
SCHEDULERS = 3


@contextmanager
def server() -> Iterator[Path]:
    """A server on a socket of its own."""
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        socket = Path(folder) / "redis.sock"
        arguments = ["--port", "0", "--unixsocket", str(socket), "--dir", folder, "--save", "", "--appendonly", "no"]
        process = subprocess.Popen([str(server_binary()), *arguments], stdout=subprocess.DEVNULL)
        try:
            until(lambda: socket.exists() and answers(socket))
            yield socket
        finally:
            process.terminate()
            process.wait()


def answers(socket: Path) -> bool:
    try:
        return bool(Redis(unix_socket_path=str(socket)).ping())
    except ConnectionError:
        return False


def until(condition: Callable[[], object], within: float = 60) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: it is not so after ``within`` seconds.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("not so in time")
        time.sleep(0.01)


class Storm:
    """The schedulers of one measurement."""

    def __init__(self, socket: Path, entries: Sequence[dict[str, object]], log: Path, afresh: bool = True) -> None:
        self.redis = Redis(unix_socket_path=str(socket))
        if afresh:
            self.redis.flushall()
        schedule = log.with_suffix(".json")
        schedule.write_text(json.dumps([{"job": JOB, "queue": "default", **each} for each in entries]))
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("REDIS_", "HORIZON_", "RQ_"))},
            "DJANGO_SETTINGS_MODULE": "tests.support.given_schedule",
            "GIVEN_SCHEDULE": str(schedule),
            "REDIS_URL": f"unix://{socket}",
            "DATABASE_URL": f"sqlite:///{log}.sqlite3",
            "ENV_FILE": "/dev/null",
            "APP_ENV": "local",
            "SECRET_KEY": "only-for-measuring",
            "SITE_URL": "http://localhost",
            "QUEUE_CONNECTION": "redis",
            "HORIZON_ALLOWED_JOBS": "allegro,allegro_queue,tests",
            "LOG_LEVEL": "WARNING",
        }
        self.log = log
        self.living: list[subprocess.Popen[bytes]] = []
        self.killed: set[int] = set()

    def start(self, count: int = 1) -> None:
        """Schedulers that a parent keeps alive, as a master does its own."""
        with self.log.open("ab") as output:
            self.living.append(
                subprocess.Popen(
                    [sys.executable, str(HERE / "keep_schedulers.py"), str(count)],
                    env=self.environment, cwd=ROOT, stdout=output, stderr=output,
                )
            )  # fmt: skip

    def kill_leader(self) -> bool:
        """Kill the scheduler that leads; its parent starts another one."""
        record = json.loads(self.redis.get("horizon:scheduler") or b"{}")
        if not record or record["pid"] in self.killed or record["master"] != "bench":
            return False
        self.killed.add(record["pid"])
        os.kill(record["pid"], signal.SIGKILL)
        return True

    def beat_at(self) -> float:
        """When the scheduler that leads was last heard of; nought for none."""
        return float(json.loads(self.redis.get("horizon:scheduler") or b"{}").get("beat_at", 0))

    def end(self) -> None:
        for process in self.living:
            process.send_signal(signal.SIGTERM)
        for process in self.living:
            process.wait()
        self.living.clear()

    def ticks(self, name: str) -> list[int]:
        """The times that an entry was queued for, in the order of queueing."""
        ids = [each.decode() for each in self.redis.lrange("rq:queue:default", 0, -1)]
        return [int(each.rpartition("-")[2]) for each in ids if each.startswith(f"{name}-")]

    def delays(self, names: Sequence[str]) -> list[float]:
        """Seconds from due to queued of the runs that are kept."""
        found = []
        for name in names:
            for each in map(json.loads, self.redis.lrange(f"horizon:accounts:{name}", 0, -1)):
                if each["what"] == "run":
                    found.append(each["at"] - each["due_at"])
        return sorted(found)


def counted(ticks: Sequence[int]) -> tuple[int, int]:
    """Ticks that are missing and that came twice, of one for each second."""
    return (max(ticks) - min(ticks) + 1) - len(set(ticks)), len(ticks) - len(set(ticks))


def kills(socket: Path, log: Path, seconds: int) -> str:
    """60 rounds, each killed at another command; an entry of each second."""
    storm = Storm(socket, [{"name": "tick", "every": 1, "overlap": "allow", "missed": "all"}], log)
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "rqscheduler", "--burst"],
        env=storm.environment, cwd=ROOT, check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.dying_scheduler", "60", "0.7"],
        env=storm.environment, cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    storm.start()
    time.sleep(3)
    storm.end()
    missing, doubled = counted(storm.ticks("tick"))
    return (
        f"{done.stdout.split().count('-9')} of 60 schedulers killed, each at another command: "
        f"{len(storm.ticks('tick'))} ticks, {missing} missing, {doubled} doubled"
    )


def leaders(socket: Path, log: Path, seconds: int) -> str:
    """Three schedulers, the leader killed each five seconds."""
    storm = Storm(socket, [{"name": "tick", "every": 1, "overlap": "allow", "missed": "all"}], log)
    storm.start(SCHEDULERS)
    until(lambda: storm.ticks("tick"))
    arrivals: list[float] = []
    known, killed, start = 0, 0, time.monotonic()
    next_kill = start + 5
    while time.monotonic() < start + seconds:
        count = storm.redis.llen("rq:queue:default")
        arrivals += [time.monotonic()] * (count - known)
        known = count
        if time.monotonic() >= next_kill:
            killed += storm.kill_leader()
            next_kill += 5
        time.sleep(0.01)
    storm.end()
    missing, doubled = counted(storm.ticks("tick"))
    hole = max((later - earlier for earlier, later in pairwise(arrivals)), default=0.0)
    return (
        f"{SCHEDULERS} schedulers for {seconds} s, {killed} leaders killed: {len(storm.ticks('tick'))} ticks, "
        f"{missing} missing, {doubled} doubled, longest hole {hole:.1f} s"
    )


def deploys(socket: Path, log: Path, seconds: int) -> str:
    """Five deploys with one entry renamed and one removed."""
    kept = 0
    Redis(unix_socket_path=str(socket)).flushall()
    for names in (["a", "b"], ["a", "b"], ["a", "b", "c"], ["a", "renamed", "c"], ["a", "renamed"]):
        storm = Storm(socket, [{"name": name, "every": 3600} for name in names], log, afresh=False)
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "rqscheduler", "--burst"],
            env=storm.environment, cwd=ROOT, check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        kept += sorted(storm.redis.zrange(SCHEDULED, 0, -1)) == sorted(f"cron-{name}".encode() for name in names)
    return f"{kept} of 5 deploys left just the entries of the code"


def storm(socket: Path, log: Path, seconds: int) -> str:
    """1,000 entries due in one second, again and again, with the leader killed each second."""
    names = [f"e{number}" for number in range(1000)]
    made = Storm(socket, [{"name": name, "cron": "* * * * *", "overlap": "allow"} for name in names], log)
    made.start(SCHEDULERS)
    until(lambda: made.redis.zcard(SCHEDULED) == len(names))
    time.sleep(2)
    rounds, killed, wanted = max(seconds // 6, 1), 0, set()
    made.redis.delete("rq:queue:default")
    for number in range(rounds):
        due_at = int(time.time()) + 2
        made.redis.zadd(SCHEDULED, {f"cron-{name}": due_at for name in names})
        wanted |= {f"{name}-{due_at}" for name in names}
        for second in range(5):
            # In the midst of the work in the second in which all are due, each time a little later.
            time.sleep(max(due_at - 2 + second + 0.01 + 0.02 * (number % 6) - time.time(), 0))
            killed += made.kill_leader()
        until(lambda due_at=due_at: made.redis.zcount(SCHEDULED, "-inf", due_at) == 0)
    made.end()
    ids = [each.decode() for each in made.redis.lrange("rq:queue:default", 0, -1)]
    ours = [each for each in ids if each in wanted]
    delays = made.delays(names)
    return (
        f"1,000 entries due in one second, {rounds} times, {killed} leaders killed (one each second): "
        f"{len(wanted - set(ours))} missing, {len(ours) - len(set(ours))} doubled, start delay "
        f"p50 {delays[len(delays) // 2]:.2f} s, p99 {delays[int(len(delays) * 0.99) - 1]:.2f} s, "
        f"longest {delays[-1]:.2f} s"
    )


def moves(socket: Path, log: Path, seconds: int) -> str:
    """20,000 due jobs in RQ's registry, 5,000 of rq-scheduler's, 2,000 due entries: how many a second."""
    parts = []
    for label, key, count in (
        ("jobs of RQ's registry", "rq:scheduled:default", 20_000),
        ("delayed jobs of rq-scheduler", SCHEDULED, 20_000),
    ):
        made = Storm(socket, [], log)
        queue = Queue("default", connection=made.redis, serializer=JSONSerializer)
        for start in range(0, count, 1000):
            with made.redis.pipeline() as pipeline:
                queue.enqueue_many(
                    [Queue.prepare_data(JOB, job_id=f"j{number}") for number in range(start, start + 1000)],
                    pipeline=pipeline,
                )
                pipeline.execute()
        made.redis.delete("rq:queue:default")
        rate = rate_of(made, key, {f"j{number}": time.time() - 1 for number in range(count)}, count)
        parts.append(f"{rate:,.0f} {label}/s")
    count = 2000
    made = Storm(socket, [{"name": f"e{number}", "cron": "0 * * * *"} for number in range(count)], log)
    made.start()
    until(lambda: made.redis.zcard(SCHEDULED) == count)
    made.end()
    rate = rate_of(made, SCHEDULED, {f"cron-e{number}": int(time.time()) - 1 for number in range(count)}, count)
    parts.append(f"{rate:,.0f} cron entries/s")
    return "one scheduler moves " + ", ".join(parts)


def rate_of(made: Storm, key: str, due: dict[str, float], count: int) -> float:
    """Due jobs per second of one scheduler, from its first job to its last."""
    made.start()
    # Between its first beat and its second it looks through its entries.
    until(lambda: made.beat_at())
    first = made.beat_at()
    until(lambda: made.beat_at() > first)
    start = time.monotonic()
    made.redis.zadd(key, due)
    until(lambda: made.redis.llen("rq:queue:default") >= count)
    took = time.monotonic() - start
    made.end()
    assert made.redis.llen("rq:queue:default") == count
    return count / took


MEASURES: dict[str, Callable[[Path, Path, int], str]] = {
    "kills": kills,
    "leaders": leaders,
    "deploys": deploys,
    "storm": storm,
    "moves": moves,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=60, help="length of each storm (default 60)")
    parser.add_argument("--only", default=",".join(MEASURES), help="some of " + ", ".join(MEASURES))
    options = parser.parse_args()
    lines = []
    with server() as socket:
        for name in options.only.split(","):
            line = f"- **{name}**: {MEASURES[name](socket, socket.parent / 'log', options.seconds)}."
            print(line, flush=True)
            lines.append(line)
    if options.only == ",".join(MEASURES):
        made_at = datetime.now(UTC).strftime("%Y-%m-%d")
        head = f"# The schedule under attack\n\nMade by `bench/schedule_storm.py` on {made_at}, "
        head += f"Python {platform.python_version()}, {os.cpu_count()} processors shared with other work.\n\n"
        RESULT.write_text(head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
