"""What a job asks for beyond what RQ knows, as it travels in the job's hash. Pure.

RQ leaves a field that it does not know alone, so the terms outlive each of its writes. A job that asks for nothing has
no such field.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any

FIELD = "horizon"
"""The field of RQ's job hash that holds them, as JSON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """Terms of one job."""

    tags: tuple[str, ...] = ()
    """Words to find it by, such as ``member:42``."""

    tenant: str = ""
    """For whom it acts; empty: for nobody in particular."""

    isolate: bool = False
    """Run in a process of its own, forked for this job."""

    backoff: tuple[float, ...] = ()
    """Seconds before the second, third, ... attempt; the last counts for all that follow. Empty: at once."""

    jitter: float = 0.0
    """Share of a pause, from 0 to 1, by which it may be longer, at random."""

    unique_key: str = ""
    """Name of the lock that the job holds until its end, so that no second one is queued meanwhile."""

    unique_seconds: int = 0
    """Seconds that the lock lives at most."""

    overlap_key: str = ""
    """Name of what only one job at a time may work on."""

    overlap_seconds: int = 0
    """Seconds after which a holder of ``overlap_key`` counts as gone."""

    rate_key: str = ""
    """Name of what is only done so often."""

    rate_limit: int = 0
    """Runs under ``rate_key`` at most, in each period of ``rate_seconds``."""

    rate_seconds: int = 0

    batch: str = ""
    """Id of the batch that it belongs to."""

    follows: str = ""
    """Id of the batch that it was queued by, as what comes after it."""

    trace: str = ""
    """The trace in which it was dispatched, as W3C's ``traceparent``; empty: in none."""

    extra: dict[str, Any] = field(default_factory=dict)
    """Fields of a later release, kept as they are."""

    def encode(self) -> str:
        """As JSON, without what is left at its default; empty when nothing is asked for."""
        said = {key: value for key, default in DEFAULTS.items() if (value := getattr(self, key)) != default}
        said.pop("extra", None)
        said.update(self.extra)
        return json.dumps(said, separators=(",", ":")) if said else ""


DEFAULTS = {each.name: getattr(Terms(), each.name) for each in fields(Terms)}
NO_TERMS = Terms()


def decode_terms(text: str | bytes | None) -> Terms:
    """The terms of a job.

    Raises:
        ValueError: the text is not a JSON object of terms; says what was found.
    """
    if not text:
        return NO_TERMS
    said = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError(f"the field {FIELD!r} is {said!r}; it must be a JSON object.")
    known: dict[str, Any] = {}
    for key, value in said.items():
        default = DEFAULTS.get(key)
        if key == "extra" or key not in DEFAULTS:
            continue
        wanted: tuple[type, ...] = {tuple: (list,), float: (float, int)}.get(type(default), (type(default),))
        if not isinstance(value, wanted) or (isinstance(value, bool) and not isinstance(default, bool)):
            raise ValueError(f"the field {FIELD!r} has {key} = {value!r}; it must be like {default!r}.")
        known[key] = tuple(value) if isinstance(value, list) else value
    return Terms(**known, extra={key: value for key, value in said.items() if key not in DEFAULTS})
