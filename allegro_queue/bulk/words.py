"""A run over many jobs in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_noop

from allegro_queue.bulk.models import BulkRun
from allegro_queue.tellings import Telling, one_after_another, telling, telling_of


def outcome(run: BulkRun) -> Telling:
    """``Retried 12 jobs. 1 was gone.``"""
    rest = run.total - run.noted if run.total is not None else 0
    return outcome_of(
        run.act,
        done=run.done,
        queue=run.to,
        gone=run.gone,
        running=run.running,
        later=run.later,
        of_failed=run.selection.get("state") == "failed",
        barred=run.barred,
        other=run.other,
        not_begun=rest if run.state == BulkRun.State.CANCELLED else 0,
        lost=rest if run.state == BulkRun.State.DONE else 0,
    )


def outcome_of(
    act: str,
    *,
    done: int,
    queue: str = "",
    gone: int = 0,
    running: int = 0,
    later: int = 0,
    of_failed: bool = False,
    barred: int = 0,
    other: int = 0,
    not_begun: int = 0,
    lost: int = 0,
) -> Telling:
    """What was done, and what became of the others: a sentence for each kind.

    Args:
        queue: where jobs were moved to.
        later: how many came only since; ``of_failed``: by failing.
    """
    acted = {
        "retry": telling_of("Retried {n} job.", "Retried {n} jobs.", done),
        "delete": telling_of("Deleted {n} job.", "Deleted {n} jobs.", done),
        "cancel": telling_of("Cancelled {n} job.", "Cancelled {n} jobs.", done),
        "move": telling_of("Moved {n} job to {queue}.", "Moved {n} jobs to {queue}.", done, queue=queue),
        "restore": telling_of("Restored {n} job.", "Restored {n} jobs.", done),
    }[act]
    since = (
        telling_of("{n} failed only since and was left alone.", "{n} failed only since and were left alone.", later)
        if of_failed
        else telling_of("{n} came only since and was left alone.", "{n} came only since and were left alone.", later)
    )
    others = (
        telling_of("{n} was gone.", "{n} were gone.", gone),
        telling_of("{n} was running already and left alone.", "{n} were running already and left alone.", running),
        since,
        telling_of(
            "{n} stayed failed, since another of its kind waits or runs.",
            "{n} stayed failed, since others of their kind wait or run.",
            barred,
        ),
        telling_of("{n} was in another state and left alone.", "{n} were in another state and left alone.", other),
        telling_of("{n} job was not begun.", "{n} jobs were not begun.", not_begun),
        telling_of(
            "What became of {n} job is unknown: Redis has lost it.",
            "What became of {n} jobs is unknown: Redis has lost it.",
            lost,
        ),
    )
    return one_after_another(acted, *(each for each in others if each.number > 0))


DOING: Mapping[str, str] = {
    "retry": gettext_noop("Retrying"),
    "delete": gettext_noop("Deleting"),
    "cancel": gettext_noop("Cancelling"),
    "move": gettext_noop("Moving"),
    "restore": gettext_noop("Restoring"),
}


def doing(run: BulkRun) -> Telling:
    """What is being done, as a caption."""
    return telling(DOING[run.act])
