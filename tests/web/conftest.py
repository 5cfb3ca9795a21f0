"""Fixtures for tests of pages; what they are made of lives in ``tests/support``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import chromium_path, running_browser
from tests.support.needed import needed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium.

    Not for the whole run: Playwright's loop runs in this thread, where other tests run coroutines and time limits.
    """
    with running_browser(needed(chromium_path(), "Chromium", "chromium")) as started:
        yield started


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    """A fresh window of 1280 × 900 with nothing remembered."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()
