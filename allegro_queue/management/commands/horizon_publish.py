"""``manage.py horizon_publish``: write the config file for local change."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from allegro_queue.config_file import config_file

NEXT_STEPS = """\
Wrote {path}. To use it:
  1. settings.py:  from {module} import HORIZON
  2. settings.py:  put "allegro_queue" before "django_rq" in INSTALLED_APPS, and every queue that the file names in RQ_QUEUES
  3. urls.py:      path("horizon/", include("allegro_queue.dashboard.urls"))
  4. the file:     set "gate", which lets nobody in; "allegro_queue.access.staff_with_permission" is one to start from
  5. run:          manage.py check, then manage.py horizon"""


class Command(BaseCommand):
    help = (
        "Write a config file that holds every key of HORIZON with its default and its meaning, to start from. "
        "A file that is there is kept unless --force is given. Exit codes: 0 written, 1 not written."
    )
    # The file may be what mends the settings.
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path",
            nargs="?",
            type=Path,
            default=Path("horizon_config.py"),
            help="where to write (default: %(default)s)",
        )
        parser.add_argument("--force", action="store_true", help="write over a file that is there")

    def handle(self, *args: Any, path: Path, force: bool, **options: Any) -> None:
        module = path.stem
        if path.suffix != ".py" or not module.isidentifier():
            raise CommandError(f"{path} cannot be imported; give a name such as horizon_config.py.")
        try:
            with path.open("w" if force else "x", encoding="utf-8") as file:
                file.write(config_file(module))
        except FileExistsError as error:
            raise CommandError(f"{path} is there already; it was kept. Write over it with --force.") from error
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
        self.stdout.write(NEXT_STEPS.format(path=path, module=module))
