"""A run over many jobs in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import translation
from django.utils.formats import number_format
from django.utils.functional import lazy
from django.utils.translation import gettext, ngettext

from allegro_queue.bulk.models import BulkRun
from allegro_queue.wording import worded


def outcome(run: BulkRun) -> str:
    """``Retried 12 jobs. 1 was gone.``"""
    rest = run.total - run.noted if run.total is not None else 0
    return outcome_words(
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


outcome_lazy = lazy(outcome, str)
"""In the language of whoever reads it."""


def kept_outcome(run: BulkRun) -> str:
    """As it is kept, for everybody: in English."""
    with translation.override("en"):
        return outcome(run)


def count(number: int) -> str:
    return number_format(number, use_l10n=True, force_grouping=True)


def outcome_words(
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
) -> str:
    """What was done, and what became of the others: a sentence for each kind.

    Args:
        queue: where jobs were moved to.
        later: how many came only since; ``of_failed``: by failing.
    """
    texts: Mapping[str, str] = {
        "retry": ngettext("Retried {n} job.", "Retried {n} jobs.", done),
        "delete": ngettext("Deleted {n} job.", "Deleted {n} jobs.", done),
        "cancel": ngettext("Cancelled {n} job.", "Cancelled {n} jobs.", done),
        "move": ngettext("Moved {n} job to {queue}.", "Moved {n} jobs to {queue}.", done),
        "restore": ngettext("Restored {n} job.", "Restored {n} jobs.", done),
    }
    since = (
        ngettext("{n} failed only since and was left alone.", "{n} failed only since and were left alone.", later)
        if of_failed
        else ngettext("{n} came only since and was left alone.", "{n} came only since and were left alone.", later)
    )
    others = (
        (gone, ngettext("{n} was gone.", "{n} were gone.", gone)),
        (
            running,
            ngettext("{n} was running already and left alone.", "{n} were running already and left alone.", running),
        ),
        (later, since),
        (
            barred,
            ngettext(
                "{n} stayed failed, since another of its kind waits or runs.",
                "{n} stayed failed, since others of their kind wait or run.",
                barred,
            ),
        ),
        (
            other,
            ngettext("{n} was in another state and left alone.", "{n} were in another state and left alone.", other),
        ),
        (not_begun, ngettext("{n} job was not begun.", "{n} jobs were not begun.", not_begun)),
        (
            lost,
            ngettext(
                "What became of {n} job is unknown: Redis has lost it.",
                "What became of {n} jobs is unknown: Redis has lost it.",
                lost,
            ),
        ),
    )
    return " ".join(
        [
            worded(texts[act], n=count(done), queue=queue),
            *(worded(text, n=count(number)) for number, text in others if number > 0),
        ]
    )


def doing(run: BulkRun) -> str:
    """What is being done, as a caption."""
    return {
        "retry": gettext("Retrying"),
        "delete": gettext("Deleting"),
        "cancel": gettext("Cancelling"),
        "move": gettext("Moving"),
        "restore": gettext("Restoring"),
    }[run.act]


doing_lazy = lazy(doing, str)
"""In the language of whoever reads it."""
