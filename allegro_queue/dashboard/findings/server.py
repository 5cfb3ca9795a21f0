"""Findings about the Redis server: full, slow, or free to throw jobs away. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext

from allegro_queue.dashboard.findings.finding import Finding
from allegro_queue.health.server_checks import MEMORY_LOOK, MEMORY_RISK, SLOW_SECONDS
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded


def risky_server(pulse: Pulse) -> Iterator[Finding]:
    """What may lose or refuse jobs."""
    load = pulse.load
    if load is None:
        return
    if load.memory_limit and load.eviction_policy not in ("", "noeviction"):
        yield Finding(
            tone="bad",
            headline=worded(gettext("Jobs may be lost: Redis’ policy is {policy}."), policy=load.eviction_policy),
            cause=gettext("When its memory is full, Redis deletes jobs without a word."),
            page="health",
            remedy=gettext("Switch it off, here and in its configuration file:"),
            command="redis-cli config set maxmemory-policy noeviction",
        )
    share = load.memory_bytes / load.memory_limit if load.memory_limit else 0.0
    if share >= MEMORY_LOOK:
        full = share >= MEMORY_RISK
        yield Finding(
            tone="bad" if full else "warn",
            headline=worded(
                gettext("Redis is full: {share} of its memory is used.")
                if full
                else gettext("Redis is nearly full: {share} of its memory is used."),
                share=f"{share:.0%}",
            ),
            cause=gettext("When it is full, new jobs are refused."),
            page="health",
            remedy=gettext("Raise maxmemory, or keep less (HORIZON['runs_kept'], 'failed_minutes'). What it uses:"),
            command="redis-cli info memory",
        )
    if load.answer_seconds > SLOW_SECONDS:
        yield Finding(
            tone="warn",
            headline=worded(gettext("Redis is slow: it took {n} ms to answer."), n=round(load.answer_seconds * 1000)),
            cause=worded(gettext("More than {n} ms for a plain look."), n=round(SLOW_SECONDS * 1000)),
            page="health",
            remedy=gettext("Look for slow commands and for a server that swaps:"),
            command="redis-cli slowlog get 10",
        )
