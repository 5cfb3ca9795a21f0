"""The product's settings for ``bench/pages.py``: each answer says what it took."""

from __future__ import annotations

from allegro.settings import *  # noqa: F403
from allegro.settings import MIDDLEWARE, STORAGES

MIDDLEWARE = ["page_counts.Count", *MIDDLEWARE]
# No manifest, and files from where they lie: nothing is collected for this.
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
