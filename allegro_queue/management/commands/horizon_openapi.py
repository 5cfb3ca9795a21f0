"""``manage.py horizon_openapi``: the API's document, as it lies in ``allegro_queue/api/openapi.json``."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Print the document of the JSON API (OpenAPI 3.1)."

    def handle(self, *args: Any, **options: Any) -> None:
        if find_spec("ninja") is None:
            raise CommandError("The API is not installed. Install it: pip install 'allegro-queue[api]'")
        from allegro_queue.api.document import document

        self.stdout.write(json.dumps(document(), indent=2))
