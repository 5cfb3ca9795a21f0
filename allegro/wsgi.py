"""The web server's way in."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "allegro.settings")
application = get_wsgi_application()

from allegro.checks import refuse_a_faulty_environment  # noqa: E402 - settings must be loaded first
from allegro.serving import keep_what_is_loaded  # noqa: E402

refuse_a_faulty_environment()
keep_what_is_loaded()
