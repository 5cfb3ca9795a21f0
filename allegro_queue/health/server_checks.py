"""Whether jobs are safe with the Redis server. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.health.check import Check, Result
from allegro_queue.stores.server import ServerState
from allegro_queue.wording import worded

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
        found=worded(
            gettext("{address}, {product}, answered in {milliseconds} ms"),
            address=address,
            product=server.product,
            milliseconds=f"{milliseconds:.1f}",
        ),
        mend=gettext("Look for slow commands and for a server that swaps:") if slow else "",
        command="redis-cli slowlog get 10" if slow else "",
    )


def version(server: ServerState) -> Check:
    old = bool(server.version) and server.version[:2] < OLDEST_VERSION
    least = ".".join(str(each) for each in OLDEST_VERSION)
    return Check(
        group=GROUP,
        name=gettext_noop("Version"),
        result=Result.RISK if old else Result.WELL,
        found=worded(gettext("{product}, older than {version}"), product=server.product, version=least)
        if old
        else server.product,
        mend=worded(gettext("Update it to {version} or newer."), version=least) if old else "",
    )


def role(server: ServerState) -> Check:
    replica = server.role == "slave"
    return Check(
        group=GROUP,
        name=gettext_noop("Role"),
        result=Result.RISK if replica else Result.WELL,
        found=gettext("a replica, which takes no writes") if replica else gettext("the master"),
        mend=gettext("Point REDIS_HOST at the master, or name the Sentinels (REDIS_SENTINELS).") if replica else "",
    )


def memory(server: ServerState) -> Check:
    used = megabytes(server.memory_bytes)
    records = server.runs_in_stream
    of_records = {"part": megabytes(server.runs_bytes), "n": f"{records:,}"}
    if not server.memory_limit:
        unlimited = ngettext(
            "{used}, no limit; of that {part} for {n} run record",
            "{used}, no limit; of that {part} for {n} run records",
            records,
        )
        return Check(
            group=GROUP,
            name=gettext_noop("Memory"),
            result=Result.WELL,
            found=worded(unlimited, used=used, **of_records),
        )
    share = server.memory_bytes / server.memory_limit
    result = Result.RISK if share >= MEMORY_RISK else Result.LOOK if share >= MEMORY_LOOK else Result.WELL
    return Check(
        group=GROUP,
        name=gettext_noop("Memory"),
        result=result,
        found=worded(
            ngettext(
                "{used} of {limit} ({share}); of that {part} for {n} run record",
                "{used} of {limit} ({share}); of that {part} for {n} run records",
                records,
            ),
            used=used,
            limit=megabytes(server.memory_limit),
            share=f"{share:.0%}",
            **of_records,
        ),
        mend=""
        if result is Result.WELL
        else gettext("Raise maxmemory, or keep less (HORIZON['runs_kept'], 'failed_minutes')."),
        command="" if result is Result.WELL else "redis-cli info memory",
    )


def eviction(server: ServerState) -> Check:
    if not server.eviction_policy:
        return Check(
            group=GROUP,
            name=gettext_noop("Eviction policy"),
            result=Result.LOOK,
            found=gettext("the server does not say what its policy is"),
        )
    safe = server.eviction_policy == "noeviction"
    return Check(
        group=GROUP,
        name=gettext_noop("Eviction policy"),
        result=Result.WELL if safe else Result.RISK,
        found=gettext("noeviction: when memory is full, writes fail and nothing is lost")
        if safe
        else evicting(server.eviction_policy, server.evicted_keys),
        mend="" if safe else gettext("Switch it off, here and in its configuration file:"),
        command="" if safe else "redis-cli config set maxmemory-policy noeviction",
    )


def evicting(policy: str, evicted: int) -> str:
    """What a policy does to jobs, and has done."""
    if not evicted:
        return worded(gettext("{policy}: when memory is full, Redis deletes jobs without a word"), policy=policy)
    return worded(
        ngettext(
            "{policy}: when memory is full, Redis deletes jobs without a word; it has already thrown away {n} key",
            "{policy}: when memory is full, Redis deletes jobs without a word; it has already thrown away {n} keys",
            evicted,
        ),
        policy=policy,
        n=f"{evicted:,}",
    )


def persistence(server: ServerState, now: float) -> Check:
    if server.last_write_failed:
        return Check(
            group=GROUP,
            name=gettext_noop("Persistence"),
            result=Result.RISK,
            found=gettext("its last write to disk failed, so a restart would lose what came since"),
            mend=gettext("Look for a full or read-only disk:"),
            command="redis-cli info persistence",
        )
    if server.writes_every_change:
        return Check(
            group=GROUP,
            name=gettext_noop("Persistence"),
            result=Result.WELL,
            found=gettext("every change goes to a file (AOF)"),
        )
    age = now - server.snapshot_at
    return Check(
        group=GROUP,
        name=gettext_noop("Persistence"),
        result=Result.LOOK,
        found=worded(gettext("snapshots only, the last {time} old: a crash loses what came since"), time=hours(age)),
        mend=gettext("Keep an append-only file, here and in its configuration file:"),
        command="redis-cli config set appendonly yes",
    )


def clock(server: ServerState) -> Check:
    offset = server.clock_offset
    skewed = abs(offset) > SKEW_SECONDS
    ahead = gettext("this host is {seconds} s ahead of Redis; waits may be shown wrong")
    behind = gettext("this host is {seconds} s behind Redis; waits may be shown wrong")
    return Check(
        group=GROUP,
        name=gettext_noop("Clock"),
        result=Result.LOOK if skewed else Result.WELL,
        found=worded(ahead if offset > 0 else behind, seconds=f"{abs(offset):.1f}")
        if skewed
        else worded(gettext("this host is within {seconds} s of Redis"), seconds=f"{max(abs(offset), 0.001):.3f}"),
        mend=gettext("Have the host’s clock follow a time server:") if skewed else "",
        command="timedatectl status" if skewed else "",
    )


def megabytes(number: int) -> str:
    return worded(gettext("{number} MB"), number=f"{number / 1_000_000:,.1f}")


def hours(seconds: float) -> str:
    if seconds >= 3600:
        return worded(gettext("{number} h"), number=f"{seconds / 3600:.0f}")
    return worded(gettext("{number} min"), number=f"{max(seconds, 0) / 60:.0f}")
