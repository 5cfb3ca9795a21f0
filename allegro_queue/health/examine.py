"""All checks in one go, from the stores: what the page, the command and the probe show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.conf import horizon_settings
from allegro_queue.connection import address
from allegro_queue.health.check import Check, Result
from allegro_queue.health.process_checks import check_processes
from allegro_queue.health.server_checks import check_server
from allegro_queue.plan import Plan
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded


def examine(
    stores: Stores,
    pulse: Pulse,
    problems: Sequence[str],
    keeper: str | None,
    snapshot_too_old_from: Callable[[float], float],
) -> tuple[Check, ...]:
    """Every check, in groups.

    Args:
        problems: faults of the configuration, as sentences.
        keeper: who keeps the alerts, in words; ``None`` when nobody does.
        snapshot_too_old_from: from when on the snapshot of a time is too old.
    """
    settings = horizon_settings()
    return (
        *check_server(stores.server.read(), address(stores.client), pulse.at),
        *check_processes(
            pulse,
            has_schedule=bool(settings.schedule),
            keeper=keeper,
            snapshot_too_old_from=snapshot_too_old_from,
        ),
        *check_settings(settings.connection, problems),
    )


def check_settings(connection: str, problems: Sequence[str]) -> Iterator[Check]:
    """Whether what is configured can work. Pure."""
    plan = Plan(environment="", connection=connection, supervisors=())
    yield Check(
        group=gettext_noop("Settings"),
        name=gettext_noop("Queue connection"),
        result=Result.RISK if plan.notice else Result.WELL,
        found=worded(
            gettext("QUEUE_CONNECTION is {connection}, so Horizon starts no worker and jobs pile up unprocessed"),
            connection=repr(connection),
        )
        if plan.notice
        else connection,
        mend=gettext("Set QUEUE_CONNECTION=redis to have them run.") if plan.notice else "",
    )
    yield Check(
        group=gettext_noop("Settings"),
        name=gettext_noop("Configuration"),
        result=Result.RISK if problems else Result.WELL,
        found=worded(
            ngettext("{n} fault: {problem}", "{n} faults; the first: {problem}", len(problems)),
            n=len(problems),
            problem=problems[0].rstrip("."),
        )
        if problems
        else gettext("no fault"),
        mend=gettext("See them all:") if problems else "",
        command="python manage.py check" if problems else "",
    )


def unreachable(where: str, reason: str) -> tuple[Check, ...]:
    """The one check that can be made when Redis does not answer."""
    return (
        Check(
            group=gettext_noop("Redis"),
            name=gettext_noop("Reachable"),
            result=Result.RISK,
            found=worded(
                gettext("{address} did not answer ({reason}); nothing else can be checked"),
                address=where,
                reason=reason,
            ),
            mend=gettext("Is the server up, and are REDIS_HOST and REDIS_PORT (or REDIS_URL) right?"),
        ),
    )
