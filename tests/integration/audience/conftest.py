"""Sources that answer, for tests of what asks them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sources import Crm, Mailchimp, serving


@pytest.fixture
def crm() -> Iterator[Crm]:
    source = Crm()
    with serving(source):
        yield source


@pytest.fixture
def mailchimp() -> Iterator[Mailchimp]:
    source = Mailchimp()
    with serving(source):
        yield source
