"""A real browser for page tests: Debian's Chromium, without a window and without calls home."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> Path | None:
    """Where Chromium is; ``None`` when this machine has none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return Path(found) if found else None


@contextmanager
def running_browser(path: Path) -> Iterator[Browser]:
    """A browser, closed at the end. Playwright's loop runs in this thread, so Django must be told that this is meant."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def complaints_of(page: Page) -> list[str]:
    """A list that fills with what the page complains of: console errors (policy reports too) and uncaught errors."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A browser asks for /favicon.ico by itself.
        if message.type in ("error", "warning") and "favicon" not in str(message.location):
            found.append(message.text)

    def note_error(error: Error) -> None:
        found.append(str(error))

    page.on("console", note)
    page.on("pageerror", note_error)
    return found
