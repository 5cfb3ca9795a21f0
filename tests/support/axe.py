"""What axe finds wrong with a page, but for what Django's admin puts around it."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

ADMIN = [["#header"], [".breadcrumbs"]]


def faults_of_ours(page: Page) -> list[str]:
    """Faults of the page in the light theme, and in the dark one those of its colours, which is all that a theme changes."""
    page.emulate_media(color_scheme="light")
    light = faults(page)
    page.emulate_media(color_scheme="dark")
    return [*light, *(f"dark: {each}" for each in faults(page, runOnly=["color-contrast"]))]


def faults(page: Page, **options: Any) -> list[str]:
    """Faults of the page as it is shown.

    Args:
        options: those of ``axe.run``.
    """
    # No rule that is asked for needs the style sheets fetched once more.
    asked = {"resultTypes": ["violations"], "preload": False, **options}
    found = Axe().run(page, context={"exclude": ADMIN}, options=asked)
    return [
        f"{page.url}: {fault['id']}: {node['html']}"
        for fault in found.response["violations"]
        for node in fault["nodes"]
    ]
