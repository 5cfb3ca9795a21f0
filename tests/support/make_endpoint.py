"""A process that makes one webhook endpoint the moment it is told to: ``python -m tests.support.make_endpoint``."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "allegro.settings")


def main() -> None:
    django.setup()
    from django.core.exceptions import ValidationError
    from django.db import connection

    from allegro.organizations.models import Organization
    from allegro.webhooks.models import Endpoint

    organization = Organization.objects.get()
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        Endpoint.objects.create(organization=organization, url=f"http://{os.getpid()}.invalid/", active=False)
        print("made")
    except ValidationError:
        print("refused")


if __name__ == "__main__":
    main()
