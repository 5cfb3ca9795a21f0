"""Whether jobs are safe with the Redis server. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_noop

from allegro_queue.health.check import Check, Result
from allegro_queue.stores.server import ServerState

OLDEST_VERSION = (6, 2)
"""Before it, the server lacks what the worker's step relies on."""

SLOW_SECONDS = 0.1
SKEW_SECONDS = 1.0
MEMORY_LOOK = 0.80
MEMORY_RISK = 0.95

GROUP = gettext_noop("Redis")


def check_server(server: ServerState, address: str, now: float) -> Iterator[Check]:
    """Every check of the server.

    Args:
        address: where it is, without a password.
    """
    yield reachable(server, address)
    yield version(server)
    yield role(server)
    yield memory(server)
    yield eviction(server)
    yield persistence(server, now)
    yield clock(server)


def reachable(server: ServerState, address: str) -> Check:
    milliseconds = server.answer_seconds * 1000
    slow = server.answer_seconds > SLOW_SECONDS
    return Check(
        group=GROUP,
        name=gettext_noop("Reachable"),
        result=Result.LOOK if slow else Result.WELL,
        found=f"{address}, {server.product}, answered in {milliseconds:.1f} ms",
        mend=gettext_noop("Look for slow commands and for a server that swaps:") if slow else "",
        command="redis-cli slowlog get 10" if slow else "",
    )


def version(server: ServerState) -> Check:
    old = bool(server.version) and server.version[:2] < OLDEST_VERSION
    least = ".".join(str(each) for each in OLDEST_VERSION)
    return Check(
        group=GROUP,
        name=gettext_noop("Version"),
        result=Result.RISK if old else Result.WELL,
        found=f"{server.product}, older than {least}" if old else server.product,
        mend=f"Update it to {least} or newer." if old else "",
    )


def role(server: ServerState) -> Check:
    replica = server.role == "slave"
    return Check(
        group=GROUP,
        name=gettext_noop("Role"),
        result=Result.RISK if replica else Result.WELL,
        found="a replica, which takes no writes" if replica else "the master",
        mend=gettext_noop("Point REDIS_HOST at the master, or name the Sentinels (REDIS_SENTINELS).")
        if replica
        else "",
    )


def memory(server: ServerState) -> Check:
    used = megabytes(server.memory_bytes)
    records = f"of that {megabytes(server.runs_bytes)} for {server.runs_in_stream:,} run records"
    if not server.memory_limit:
        return Check(group=GROUP, name=gettext_noop("Memory"), result=Result.WELL, found=f"{used}, no limit; {records}")
    share = server.memory_bytes / server.memory_limit
    result = Result.RISK if share >= MEMORY_RISK else Result.LOOK if share >= MEMORY_LOOK else Result.WELL
    return Check(
        group=GROUP,
        name=gettext_noop("Memory"),
        result=result,
        found=f"{used} of {megabytes(server.memory_limit)} ({share:.0%}); {records}",
        mend=""
        if result is Result.WELL
        else gettext_noop("Raise maxmemory, or keep less (HORIZON['runs_kept'], 'failed_minutes')."),
        command="" if result is Result.WELL else "redis-cli info memory",
    )


def eviction(server: ServerState) -> Check:
    if not server.eviction_policy:
        return Check(
            group=GROUP,
            name=gettext_noop("Eviction policy"),
            result=Result.LOOK,
            found="the server does not say what its policy is",
        )
    safe = server.eviction_policy == "noeviction"
    lost = f"; it has already thrown away {server.evicted_keys:,} keys" if server.evicted_keys else ""
    return Check(
        group=GROUP,
        name=gettext_noop("Eviction policy"),
        result=Result.WELL if safe else Result.RISK,
        found="noeviction: when memory is full, writes fail and nothing is lost"
        if safe
        else f"{server.eviction_policy}: when memory is full, Redis deletes jobs without a word{lost}",
        mend="" if safe else gettext_noop("Switch it off, here and in its configuration file:"),
        command="" if safe else "redis-cli config set maxmemory-policy noeviction",
    )


def persistence(server: ServerState, now: float) -> Check:
    if server.last_write_failed:
        return Check(
            group=GROUP,
            name=gettext_noop("Persistence"),
            result=Result.RISK,
            found="its last write to disk failed, so a restart would lose what came since",
            mend=gettext_noop("Look for a full or read-only disk:"),
            command="redis-cli info persistence",
        )
    if server.writes_every_change:
        return Check(
            group=GROUP, name=gettext_noop("Persistence"), result=Result.WELL, found="every change goes to a file (AOF)"
        )
    age = now - server.snapshot_at
    return Check(
        group=GROUP,
        name=gettext_noop("Persistence"),
        result=Result.LOOK,
        found=f"snapshots only, the last {hours(age)} old: a crash loses what came since",
        mend=gettext_noop("Keep an append-only file, here and in its configuration file:"),
        command="redis-cli config set appendonly yes",
    )


def clock(server: ServerState) -> Check:
    offset = server.clock_offset
    skewed = abs(offset) > SKEW_SECONDS
    word = "ahead of" if offset > 0 else "behind"
    return Check(
        group=GROUP,
        name=gettext_noop("Clock"),
        result=Result.LOOK if skewed else Result.WELL,
        found=f"this host is {abs(offset):.1f} s {word} Redis; waits may be shown wrong"
        if skewed
        else f"this host is within {max(abs(offset), 0.001):.3f} s of Redis",
        mend=gettext_noop("Have the host's clock follow a time server:") if skewed else "",
        command="timedatectl status" if skewed else "",
    )


def megabytes(number: int) -> str:
    return f"{number / 1_000_000:,.1f} MB"


def hours(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 3600 else f"{max(seconds, 0) / 60:.0f} min"
