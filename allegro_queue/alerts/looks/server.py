"""Redis: away, nearly full, or set to delete jobs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from allegro_queue.alerts.facts import Facts
from allegro_queue.alerts.rule import Finding
from allegro_queue.tellings import telling


def redis_memory(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A server that is nearly full."""
    assert facts.server is not None
    used, limit = facts.server.memory_bytes, facts.server.memory_limit
    if limit and used / limit >= threshold:
        share = f"{used / limit:.0%}"
        said = telling(
            "Redis uses {share} of the {megabytes} MB it may; when it is full, no job is taken",
            share=share,
            megabytes=round(limit / 1e6),
        )
        yield Finding("", said)


def redis_eviction(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A server that deletes jobs when it is full."""
    assert facts.server is not None
    policy = facts.server.eviction_policy
    if policy and policy != "noeviction":
        said = telling("Redis has maxmemory-policy {policy}, so it deletes jobs when its memory is full", policy=policy)
        yield Finding("", said)


def redis_away(facts: Facts, threshold: float, least: float) -> Iterator[Finding]:
    """A server that does not answer."""
    if facts.away:
        yield Finding("", telling("Redis does not answer ({reason})", reason=facts.away))
