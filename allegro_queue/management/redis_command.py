"""What the commands that talk to Redis have in common: the stores, and a clear error when Redis does not answer."""

from __future__ import annotations

import getpass
import json
import os
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from allegro_queue.activity.journal import Deed
from allegro_queue.activity.journal import note as note_deed
from allegro_queue.activity.models import Activity
from allegro_queue.checks import CONFIGURATION
from allegro_queue.connection import UNREACHABLE, address, client
from allegro_queue.errors import HorizonError
from allegro_queue.stores import Stores, open_stores
from allegro_queue.tellings import Telling


class RedisCommand(BaseCommand):
    """A command over the stores; subclasses write ``run``."""

    requires_system_checks: tuple[str, ...] = (CONFIGURATION,)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # In one language, whatever the site's: other programs read it, and a terminal knows no other direction.
            with translation.override("en"):
                self.run(open_stores(), **options)
        except HorizonError as error:
            raise CommandError(str(error)) from error
        except UNREACHABLE as error:
            raise CommandError(
                f"Redis at {address(client())} did not answer ({error}). "
                "Is the server up, and are REDIS_HOST and REDIS_PORT (or REDIS_URL) right?"
            ) from error

    def run(self, stores: Stores, **options: Any) -> None:
        """The command's work."""
        raise NotImplementedError

    def note(
        self,
        action: str,
        subject: Telling,
        outcome: Telling,
        *,
        reason: str = "",
        succeeded: bool = True,
        run_id: int | None = None,
    ) -> None:
        """Write down, for those who look at the journal, what this command changed; by the account that it runs as."""
        note_deed(
            Deed(
                at=time.time(),
                who=account(),
                via=Activity.Via.COMMAND,
                action=action,
                subject=subject,
                outcome=outcome,
                reason=reason,
                succeeded=succeeded,
                run_id=run_id,
            )
        )

    def print_json(self, value: Any) -> None:
        """Data for a program to read."""
        self.stdout.write(json.dumps(value, indent=2))

    def print_table(self, head: list[str], rows: list[list[str]]) -> None:
        """Columns aligned by spaces; plain text, so that it can be piped."""
        widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
        for row in [head, *rows]:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def account() -> str:
    """Name of the account that this process runs as; its number where it has no name, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"account {os.getuid()}"
