"""The template around a page: admin's as the project has it, or Django's own even where a theme has replaced that."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.contrib import admin
from django.template.backends.django import DjangoTemplates
from django.template.base import Template

FRAGMENT = "horizon/fragment.html"
"""Around what a refresh gets: next to nothing."""

ADMIN = "admin/base_site.html"


def shell_for(frame: str, *, is_fragment: bool) -> str | Template:
    """What a page extends.

    Args:
        frame: ``HORIZON["frame"]``.
    """
    if is_fragment:
        return FRAGMENT
    return djangos_own() if frame == "django" else ADMIN


@cache
def djangos_own() -> Template:
    """The base of admin's pages as Django has it. By name, a theme's would be found in its place."""
    folder = Path(admin.__file__).parent / "templates"
    engine = DjangoTemplates({"NAME": "horizon", "DIRS": [str(folder)], "APP_DIRS": False, "OPTIONS": {}})
    return engine.get_template("admin/base.html").template
