"""Fixtures for tests of pages; what they are made of lives in ``tests/support``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from allegro.accounts.models import User
from allegro_queue.rights import ALL_RIGHTS, Right
from allegro_queue.tokens.tokens import make
from tests.support.api_caller import Caller
from tests.support.browser import chromium_path, running_browser
from tests.support.needed import needed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium.

    Not for the whole run: Playwright's loop runs in this thread, where other tests run coroutines and time limits.
    """
    # A page that a loaded machine shows late is right all the same.
    expect.set_options(timeout=20_000)
    with running_browser(needed(chromium_path(), "Chromium", "chromium")) as started:
        yield started


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    """A fresh window of 1280 × 900 with nothing remembered."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def staging(settings: Any) -> None:
    """The environment that lets nobody in without sign-in."""
    settings.HORIZON = {**settings.HORIZON, "environment": "staging"}


@pytest.fixture
def caller(staging: None) -> Callable[..., Caller]:
    """Makes a program whose token has the rights given (all without)."""

    def make_caller(*rights: Right) -> Caller:
        given = [right.value for right in rights or ALL_RIGHTS]
        return Caller(make("probe", given, now=datetime.now(UTC), made_by="tests").text)

    return make_caller


@pytest.fixture
def reader(settings: Any, client: Client) -> Callable[..., User]:
    """Signs in a member of staff of a project with the library's own gate, with the rights given."""
    settings.HORIZON = {
        **settings.HORIZON,
        "environment": "staging",
        "gate": "allegro_queue.access.staff_with_permission",
    }

    def sign_in(*rights: Right) -> User:
        user = User.objects.create_user(email="reader@example.org", is_staff=True)
        names = [right.value for right in (Right.VIEW, *rights)]
        user.user_permissions.set(
            Permission.objects.filter(content_type__app_label="allegro_queue", codename__in=names)
        )
        client.force_login(user)
        return user

    return sign_in
