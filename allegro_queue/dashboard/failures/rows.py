"""Failure groups as their pages show them: state, trend, who is touched. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.page.formats import count
from allegro_queue.dashboard.page.links import link
from allegro_queue.history.group_rows import GroupRow
from allegro_queue.history.groups import OTHERS, GroupState
from allegro_queue.history.touched import Tenants
from allegro_queue.wording import worded

TENANTS_NAMED = 1

LOOKS: Mapping[GroupState, tuple[str, str, str]] = {
    GroupState.NEW: ("bad", "bad", gettext_noop("New")),
    GroupState.AGAIN: ("warn", "warn", gettext_noop("Again")),
    GroupState.KNOWN: ("idle", "idle", gettext_noop("Known")),
    GroupState.MUTED: ("warn", "pause", gettext_noop("Muted")),
    GroupState.RESOLVED: ("ok", "ok", gettext_noop("Resolved")),
}
"""Tone, icon and word by state."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupLine:
    """One failure group."""

    row: GroupRow
    title: str
    """Name of the job; for the group that others share, what it is."""
    address: str
    tone: str
    icon: str
    word: str
    note: str
    """What belongs to the state, in words."""
    until: float | None
    """When its mute ends."""
    spark: SafeString
    tenants: str
    """How many, as far as was looked."""
    tenants_named: str
    jobs_address: str


def line_of(row: GroupRow, tenants: Tenants) -> GroupLine:
    """A group with all that its row shows."""
    tone, icon, word = LOOKS[row.state]
    more = len(tenants.names) - TENANTS_NAMED
    address = link("failure", fingerprint=row.fingerprint)
    return GroupLine(
        row=row,
        title=row.name if row.fingerprint != OTHERS else gettext("Failures of all other kinds"),
        address=address,
        tone=tone,
        icon=icon,
        word=gettext(word),
        note=note_on(row),
        until=row.muted_until if row.state is GroupState.MUTED else None,
        spark=charts.bars(row.trend, "hz-fail"),
        tenants=f"{count(len(tenants.names))}{'' if tenants.is_all or not tenants.names else '+'}",
        tenants_named=", ".join(tenants.names[:TENANTS_NAMED])
        + (" " + worded(gettext("and {n} more"), n=count(more)) if more > 0 else ""),
        jobs_address=address + "#hz-group-jobs",
    )


def note_on(row: GroupRow) -> str:
    """Who set the state, or with which version it began."""
    if row.state is GroupState.NEW:
        return worded(gettext("since version {version}"), version=row.first_version) if row.first_version else ""
    if row.state is GroupState.AGAIN:
        return gettext("was resolved, and came back")
    return worded(gettext("by {who}"), who=row.changed_by) if row.changed_by else ""


def short_name(row: GroupRow) -> str:
    """Function and type, as a sentence names a group."""
    if row.fingerprint == OTHERS:
        return gettext("failures of all other kinds")
    function = row.name.rpartition(".")[2]
    return f"{function}: {row.exception}" if row.exception else function


def failed_lately(rows: Sequence[GroupRow]) -> int:
    """Failed attempts of the last day."""
    return sum(each.last_day for each in rows)
