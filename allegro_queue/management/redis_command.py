"""What the commands that talk to Redis have in common: the stores, and a clear error when Redis does not answer."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allegro_queue.connection import UNREACHABLE, address, client
from allegro_queue.errors import HorizonError
from allegro_queue.stores import Stores, open_stores


class RedisCommand(BaseCommand):
    """A command over the stores; subclasses write ``run``."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
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

    def print_json(self, value: Any) -> None:
        """Data for a program to read."""
        self.stdout.write(json.dumps(value, indent=2))

    def print_table(self, head: list[str], rows: list[list[str]]) -> None:
        """Columns aligned by spaces; plain text, so that it can be piped."""
        widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
        for row in [head, *rows]:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
