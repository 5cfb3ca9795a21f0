"""Failure groups: what a new failure does to one, what a person may do to it, and how they are written."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from allegro_queue.history.database import alias
from allegro_queue.history.models import MESSAGE_LENGTH, NAME_LENGTH, FailureGroup
from allegro_queue.history.rows import Kept, cut
from allegro_queue.masking import masked

MOST_GROUPS = 5_000
"""Groups kept; failures that are like none of them, beyond, share the group ``OTHERS``."""

OTHERS = "others"

GROUPS_LIFE = 3_600.0
"""Seconds after which the groups that there are are looked up again, since old ones go."""


class GroupState(StrEnum):
    """What people know of a group."""

    NEW = "new"
    """Nobody has looked at it."""
    KNOWN = "known"
    MUTED = "muted"
    """Known, and no one is told of it until a time."""
    RESOLVED = "resolved"
    """Said to be mended."""
    AGAIN = "again"
    """Was said to be mended, and has come back."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a group, and until when it is muted (Unix seconds; 0 when it is not)."""

    state: GroupState = GroupState.NEW
    muted_until: float = 0.0

    @property
    def is_told(self) -> bool:
        """Whether its next failure is news."""
        return self.state in (GroupState.NEW, GroupState.AGAIN)


def after_failure(standing: Standing, at: float, resolved_at: float = 0.0) -> Standing:
    """What a failure at this time makes of a group.

    Args:
        resolved_at: when it was said to be mended; a failure from before, which is only collected now, changes nothing.
    """
    if standing.state is GroupState.RESOLVED and at > resolved_at:
        return Standing(GroupState.AGAIN)
    if standing.state is GroupState.MUTED and at >= standing.muted_until:
        return Standing(GroupState.KNOWN)
    return standing


def mark(fingerprints: Sequence[str], state: GroupState, *, by: str, now: float, until: float = 0.0) -> int:
    """Set the state of groups, as a person wants it; how many there were.

    Args:
        by: who.
        until: for ``MUTED``, the Unix time at which it ends.

    Raises:
        ValueError: this is not for a person to set, or a mute without an end.
    """
    if state in (GroupState.NEW, GroupState.AGAIN):
        raise ValueError(f"a group becomes {state.value!r} by a failure, not by hand; set known, muted or resolved.")
    if state is GroupState.MUTED and until <= now:
        raise ValueError("a group is muted until a time to come; give one.")
    return (
        FailureGroup.objects.using(alias())
        .filter(fingerprint__in=fingerprints)
        .update(
            state=state.value,
            muted_until=until if state is GroupState.MUTED else 0.0,
            changed_at=now,
            changed_by=by[:NAME_LENGTH],
        )
    )


class KnownGroups:
    """The groups that there are, as one process knows them: it is asked of each failure, and seldom changes."""

    def __init__(self) -> None:
        self._fingerprints: set[str] | None = None
        self._read_at = 0.0

    def forget(self) -> None:
        """Know none: after a transaction that failed, or when another has written."""
        self._fingerprints = None

    def within(self, runs: Iterable[Kept], now: float) -> list[Kept]:
        """The runs, those beyond the cap of groups in the group that they share."""
        if self._fingerprints is None or now - self._read_at >= GROUPS_LIFE:
            self._fingerprints = set(FailureGroup.objects.using(alias()).values_list("fingerprint", flat=True))
            self._read_at = now
        known = self._fingerprints
        found = []
        for run in runs:
            if run.failure is not None and run.fingerprint not in known:
                if len(known) >= MOST_GROUPS:
                    run = run.in_group(OTHERS)
                known.add(run.fingerprint)
            found.append(run)
        return found


def add_failures(runs: Iterable[Kept], using: str) -> None:
    """Count runs into their groups, inside the caller's transaction."""
    by_group: dict[str, list[Kept]] = {}
    for run in runs:
        if run.failure is not None:
            by_group.setdefault(run.fingerprint, []).append(run)
    if not by_group:
        return
    assert transaction.get_connection(using).in_atomic_block
    rows = FailureGroup.objects.using(using).select_for_update().filter(fingerprint__in=list(by_group))
    known: Mapping[str, FailureGroup] = {each.fingerprint: each for each in rows}
    for fingerprint, found in by_group.items():
        group = known.get(fingerprint)
        first = min(each.record.ended_at for each in found)
        newest = max(found, key=lambda each: each.id)
        last = max(each.record.ended_at for each in found)
        if group is None:
            group = started(fingerprint, found[0], first)
        standing = after_failure(Standing(GroupState(group.state), group.muted_until), last, group.changed_at)
        if standing.state != group.state:
            group.changed_at, group.changed_by = time.time(), ""
        group.state, group.muted_until = standing.state.value, standing.muted_until
        group.count += len(found)
        group.first_at, group.last_at = min(group.first_at, first), max(group.last_at, last)
        group.last_run = max(group.last_run, newest.id)
        if fingerprint != OTHERS:
            group.message = newest.message
        group.save(using=using, force_insert=fingerprint not in known, force_update=fingerprint in known)


def started(fingerprint: str, run: Kept, at: float) -> FailureGroup:
    """A group with its first failure, not counted yet."""
    failure = run.failure
    assert failure is not None
    shared = fingerprint == OTHERS
    return FailureGroup(
        fingerprint=fingerprint,
        name="" if shared else cut(run.record.name),
        exception="" if shared else cut(failure.exception),
        message="Failures of all other kinds" if shared else run.message[:MESSAGE_LENGTH],
        frame="" if shared else cut(masked(failure.frame)),
        count=0,
        first_at=at,
        last_at=at,
        first_version=cut(run.record.version),
        last_run=run.id,
        state=GroupState.NEW.value,
        muted_until=0.0,
        changed_at=at,
        changed_by="",
    )
