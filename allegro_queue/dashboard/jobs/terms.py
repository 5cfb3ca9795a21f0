"""What a job asks for beyond its call, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext

from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.filters.pairs import pairs_of
from allegro_queue.dashboard.filters.terms import Term
from allegro_queue.dashboard.page.formats import count, duration, in_words
from allegro_queue.dashboard.page.links import link, link_to
from allegro_queue.dashboard.page.nouns import runs
from allegro_queue.history.runs import RunRow
from allegro_queue.masking import masked, rule_for_key
from allegro_queue.stores.job_records import JobRow
from allegro_queue.wording import worded

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
    yield Fact(name=gettext("Tries"), words=tries(row))
    if terms.tenant:
        yield Fact(name=gettext("Tenant"), words=terms.tenant, address=of_value("tenant", terms.tenant))
    if terms.batch:
        address = link("batch", batch_id=terms.batch) or of_value("batch", terms.batch)
        yield Fact(name=gettext("Batch"), words=terms.batch, address=address)
    if terms.backoff:
        yield Fact(name=gettext("Rests"), words=rests(terms.backoff, terms.jitter))
    if terms.unique_key:
        yield Fact(
            name=gettext("Unique"),
            words=worded(
                gettext("no second job of “{key}” is queued until it has ended, for {time} at most"),
                key=masked(terms.unique_key),
                time=duration(terms.unique_seconds),
            ),
        )
    if terms.overlap_key:
        yield Fact(
            name=gettext("Alone"),
            words=worded(gettext("never at the same time as another job of “{key}”"), key=masked(terms.overlap_key)),
        )
    if terms.rate_key:
        yield Fact(
            name=gettext("Rate"),
            words=worded(
                gettext("{runs} of “{key}” in {time} at most"),
                runs=runs(terms.rate_limit),
                key=masked(terms.rate_key),
                time=duration(terms.rate_seconds),
            ),
        )
    if terms.isolate:
        yield Fact(name=gettext("Process"), words=gettext("one of its own"))
    if last is not None:
        if last.host:
            yield Fact(name=gettext("Last host"), words=last.host, address=of_value("host", last.host))
        if last.version:
            yield Fact(name=gettext("Code version"), words=last.version)


def rests(backoff: Sequence[float], jitter: float) -> str:
    """How long it rests before its next attempts."""
    if len(backoff) == 1:
        text = (
            gettext("{times} before each next attempt, up to {share} longer at random")
            if jitter
            else gettext("{times} before each next attempt")
        )
    else:
        text = (
            gettext("{times} before the next attempts, in this order, up to {share} longer at random")
            if jitter
            else gettext("{times} before the next attempts, in this order")
        )
    return worded(text, times=in_words([duration(each) for each in backoff]), share=f"{jitter:.0%}")


def tries(row: JobRow) -> str:
    """``2 of 3``, with what is left in words."""
    if row.status in ENDED and not row.retries_left:
        return (
            worded(gettext("{n}, none left"), n=count(row.attempt))
            if row.attempt > 1 or row.status != "finished"
            else "1"
        )
    text = gettext("{n} of {all}, {left} left after it") if row.retries_left else gettext("{n} of {all}, the last one")
    return worded(text, n=count(row.attempt), all=count(row.tries), left=count(row.retries_left))


def shown_tags(tags: Iterable[str]) -> list[str]:
    """Tags as history keeps them too: masked, and without those that are named like a secret."""
    return list(dict.fromkeys(masked(tag) for tag in tags if not rule_for_key(tag.partition(":")[0])))


def of_value(key: str, value: str) -> str:
    """Address of all jobs that have it, in any state; empty without a value."""
    return address_of_value(key, value, link("jobs")) if value else ""


@lru_cache(maxsize=4_000)
def address_of_value(key: str, value: str, page: str) -> str:
    """The same, kept, since the jobs of a list share tags and tenants.

    Args:
        page: address of the list of jobs as it is now.
    """
    return link_to("jobs", pairs_of([Term(key="state", values=(ALL,)), Term(key=key, values=(value,))])) if page else ""
