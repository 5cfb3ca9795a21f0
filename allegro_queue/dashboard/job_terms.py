"""What a job asks for beyond its call, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from allegro_queue.dashboard.filter_keys import ALL
from allegro_queue.dashboard.filter_pairs import pairs_of
from allegro_queue.dashboard.filter_terms import Term
from allegro_queue.dashboard.formats import count, duration, in_words, plural
from allegro_queue.dashboard.links import link, link_to
from allegro_queue.history.queries import RunRow
from allegro_queue.masking import masked, rule_for_key
from allegro_queue.stores.jobs import JobRow

ENDED = ("finished", "failed", "retried", "lost", "stopped", "canceled")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One line of the list of facts."""

    name: str
    words: str
    address: str = ""


def facts_of(row: JobRow, last: RunRow | None) -> Iterator[Fact]:
    """Its terms, and what only its newest run knows."""
    terms = row.terms
    yield Fact(name="Tries", words=tries(row))
    if terms.tenant:
        yield Fact(name="Tenant", words=terms.tenant, address=of_value("tenant", terms.tenant))
    if terms.batch:
        address = link("batch", batch_id=terms.batch) or of_value("batch", terms.batch)
        yield Fact(name="Batch", words=terms.batch, address=address)
    if terms.backoff:
        longer = f", up to {terms.jitter:.0%} longer at random" if terms.jitter else ""
        rests = in_words([duration(each) for each in terms.backoff])
        then = " before each next attempt" if len(terms.backoff) == 1 else " before the next attempts, in this order"
        yield Fact(name="Rests", words=f"{rests}{then}{longer}")
    if terms.unique_key:
        yield Fact(
            name="Unique",
            words=f"no second job of “{masked(terms.unique_key)}” is queued until it has ended, for "
            f"{duration(terms.unique_seconds)} at most",
        )
    if terms.overlap_key:
        yield Fact(name="Alone", words=f"never at the same time as another job of “{masked(terms.overlap_key)}”")
    if terms.rate_key:
        runs = plural(terms.rate_limit, "run")
        yield Fact(name="Rate", words=f"{runs} of “{masked(terms.rate_key)}” in {duration(terms.rate_seconds)} at most")
    if terms.isolate:
        yield Fact(name="Process", words="one of its own")
    if last is not None:
        if last.host:
            yield Fact(name="Last host", words=last.host, address=of_value("host", last.host))
        if last.version:
            yield Fact(name="Code version", words=last.version)


def tries(row: JobRow) -> str:
    """``2 of 3``, with what is left in words."""
    if row.status in ENDED and not row.retries_left:
        return f"{count(row.attempt)}, none left" if row.attempt > 1 or row.status != "finished" else "1"
    left = f"{count(row.retries_left)} left after it" if row.retries_left else "the last one"
    return f"{count(row.attempt)} of {count(row.tries)}, {left}"


def shown_tags(tags: Iterable[str]) -> list[str]:
    """Tags as history keeps them too: masked, and without those that are named like a secret."""
    return list(dict.fromkeys(masked(tag) for tag in tags if not rule_for_key(tag.partition(":")[0])))


def of_value(key: str, value: str) -> str:
    """Address of all jobs that have it, in any state; empty without a value."""
    terms = [Term(key="state", values=(ALL,)), Term(key=key, values=(value,))]
    return link_to("jobs", pairs_of(terms)) if value else ""
