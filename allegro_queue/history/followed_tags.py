"""Tags that somebody follows: what ran with them is counted from then on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from allegro_queue.history.database import alias
from allegro_queue.history.models import FollowedTag
from allegro_queue.history.rows import Kept
from allegro_queue.history.tags import clean
from allegro_queue.tellings import telling


@dataclass(frozen=True, kw_only=True, slots=True)
class TagRow:
    """A tag that somebody follows, with what ran since then."""

    tag: str
    since: float
    by: str
    succeeded: int
    failed: int
    retried: int


def followed_tags() -> list[TagRow]:
    """The tags that are followed, by name."""
    rows = FollowedTag.objects.using(alias()).order_by("tag")
    return [TagRow(**each) for each in rows.values(*(each.name for each in fields(TagRow)))]


MOST_FOLLOWED = 100


def follow(tag: str, *, by: str, now: float) -> bool:
    """Follow a tag: count its runs from now on. False when it is followed already.

    Raises:
        ValueError: it is empty, or too many are followed.
    """
    tag = clean(tag)
    if not tag:
        raise ValueError(telling("give a tag, such as member:42."))
    rows = FollowedTag.objects.using(alias())
    if rows.filter(tag=tag).exists():
        return False
    if rows.count() >= MOST_FOLLOWED:
        raise ValueError(telling("{most} tags are followed already; let go of one first.", most=MOST_FOLLOWED))
    return rows.get_or_create(tag=tag, defaults={"since": now, "by": by[:200]})[1]


def stop_following(tag: str) -> bool:
    """Follow a tag no longer. False when it was not followed. Its runs stay findable by it."""
    return bool(FollowedTag.objects.using(alias()).filter(tag=tag).delete()[0])


def count_followed(runs: Sequence[Kept]) -> None:
    """Count runs for the tags that somebody follows."""
    if not any(run.tags for run in runs):
        return
    for followed in FollowedTag.objects.using(alias()).select_for_update():
        found = [run.record.outcome for run in runs if followed.tag in run.tags]
        if found:
            followed.succeeded += found.count("succeeded")
            followed.retried += found.count("retried")
            followed.failed += found.count("failed") + found.count("lost")
            followed.save(using=alias(), update_fields=["succeeded", "failed", "retried"])
