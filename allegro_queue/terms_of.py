"""The terms of one call: what its options ask for, with the call's own arguments put in. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allegro_queue.backoff import Backoff, backoff_from
from allegro_queue.calls import LONGEST_NAME, Call, checked, fingerprint, name_of, tags_of
from allegro_queue.errors import InvalidJob
from allegro_queue.jobs import UNIQUE_SECONDS, JobOptions
from allegro_queue.rates import rate_from
from allegro_queue.terms import Terms
from allegro_queue.tracing import trace_to_carry

OVERLAP_MARGIN = 30
"""Seconds past its time limit after which a job that must not overlap counts as gone, unless said."""


@dataclass(frozen=True, slots=True)
class TermsMaker:
    """Makes the terms of each call of one function under the same options."""

    name: str
    function: Callable[..., Any] | None
    """``None`` where only the name is known; templates then know the arguments that are given by name."""
    options: JobOptions
    """Without gaps."""
    tenant: str
    batch: str = ""
    """Id of the batch that the jobs belong to."""
    follows: str = ""
    """Id of the batch that the job comes after."""

    @property
    def depends_on_arguments(self) -> bool:
        """Whether two calls can have different terms."""
        options = self.options
        named = (options.unique_key, options.rate_key, options.overlap_key)
        return bool(self.is_unique or options.tags or any(named))

    @property
    def is_unique(self) -> bool:
        """Whether no second job is to be queued. Who says what makes two jobs the same says so, too."""
        options = self.options
        return bool(options.unique) or (options.unique is None and options.unique_key is not None)

    def terms(self, given: Call) -> Terms:
        """Of one call.

        Raises:
            InvalidJob: a key or a tag cannot be made of its arguments.
        """
        options = self.options
        backoff = backoff_from(options.backoff) if options.backoff is not None else Backoff()
        unique_key, unique_seconds = self._unique(given)
        overlap_key, overlap_seconds = self._overlap(given)
        rate_key, runs, seconds = self._rate(given)
        return Terms(
            tags=tags_of(options.tags, self.function, given) if options.tags else (),
            tenant=checked("tenant", self.tenant) if self.tenant else "",
            isolate=bool(options.isolate),
            backoff=backoff.pauses,
            jitter=backoff.jitter if backoff.pauses else 0.0,
            unique_key=unique_key,
            unique_seconds=unique_seconds,
            overlap_key=overlap_key,
            overlap_seconds=overlap_seconds,
            rate_key=rate_key,
            rate_limit=runs,
            rate_seconds=seconds,
            batch=self.batch,
            follows=self.follows,
            trace=trace_to_carry(),
        )

    def _unique(self, given: Call) -> tuple[str, int]:
        if not self.is_unique:
            return "", 0
        made_by, life = self.options.unique_key, self.options.unique
        key = (
            name_of("unique_key", made_by, self.function, given)
            if made_by is not None
            else f"{shortened(self.name)}:{fingerprint(self.function, given)}"
        )
        return key, UNIQUE_SECONDS if life is None or isinstance(life, bool) else life

    def _overlap(self, given: Call) -> tuple[str, int]:
        made_by, life = self.options.overlap_key, self.options.without_overlapping
        if not (life or (life is None and made_by is not None)):
            return "", 0
        key = name_of("overlap_key", made_by, self.function, given) if made_by is not None else f"job:{self.name}"
        seconds = (self.options.timeout or 0) + OVERLAP_MARGIN
        return key, seconds if life is None or isinstance(life, bool) else life

    def _rate(self, given: Call) -> tuple[str, int, int]:
        made_by, limit = self.options.rate_key, self.options.rate_limit
        if limit is None or limit is False:
            if made_by is not None and limit is None:
                raise InvalidJob(f"{self.name} has a rate_key but no rate_limit; say how often it may start.")
            return "", 0, 0
        rate = rate_from(limit)
        key = (
            name_of("rate_key", made_by, self.function, given)
            if made_by is not None
            else rate.key or f"job:{self.name}"
        )
        return key, rate.runs, rate.seconds


def shortened(name: str) -> str:
    """A dotted name that leaves room for a fingerprint; its end says more than its start."""
    return name[-(LONGEST_NAME - 40) :]
