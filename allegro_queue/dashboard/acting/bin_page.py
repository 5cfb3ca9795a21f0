"""What the bin shows: jobs that were deleted and can come back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard.page.formats import about, count
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.looks import Look, look_of
from allegro_queue.stores import Stores
from allegro_queue.stores.bin import Binned
from allegro_queue.stores.bulk import BIN_SECONDS
from allegro_queue.wording import worded

PAGE = 50
MOST_PAGES = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class BinLine:
    """One deleted job."""

    binned: Binned
    look: Look
    rest: str
    """How long it can still be restored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BinPage:
    """What can come back?"""

    sentence: str
    lines: tuple[BinLine, ...]
    rows: str
    previous: str
    next: str
    token: str


def read_bin(stores: Stores, given: str, now: float) -> BinPage:
    """One page of it, the last deleted first."""
    page = int(given) if given.isascii() and given.isdigit() and len(given) < 7 else 1
    page = max(page, 1)
    offset = (page - 1) * PAGE
    binned, total = stores.bin.page(offset, PAGE, now)
    return BinPage(
        sentence=worded(
            ngettext("{n} deleted job can be restored.", "{n} deleted jobs can be restored.", total), n=count(total)
        )
        if total
        else gettext("The bin is empty."),
        lines=tuple(
            BinLine(binned=each, look=look_of(each.state), rest=about(each.deleted_at + BIN_SECONDS - now))
            for each in binned
        ),
        rows=worded(
            gettext("Rows {first} to {last} of {all}"),
            first=count(offset + 1),
            last=count(offset + len(binned)),
            all=count(total),
        )
        if binned
        else "",
        previous=link("bin", query={"page": page - 1 if page > 2 else ""}) if page > 1 else "",
        next=link("bin", query={"page": page + 1}) if offset + PAGE < total else "",
        token=uuid4().hex,
    )
