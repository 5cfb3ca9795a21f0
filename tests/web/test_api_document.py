"""The API's document says what the API does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client

from allegro_queue.api import mount
from allegro_queue.api.document import document
from allegro_queue.api.door import Operation
from allegro_queue.api.mount import addresses
from allegro_queue.api.operations import known_operations
from allegro_queue.api.routes import ROUTERS, api
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.tokens.tokens import make
from tests.support.api_document import FILE
from tests.support.scenes import busy_system

pytestmark = pytest.mark.django_db


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each operation with its method and path."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


@pytest.fixture
def connection_stays() -> Iterator[None]:
    """A request would close the database that the test holds open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_the_document_that_is_shipped_is_the_code_s() -> None:
    shipped = json.loads(FILE.read_text())

    assert shipped == document(), "run: manage.py horizon_openapi > allegro_queue/api/openapi.json"
    assert shipped["openapi"].startswith("3.1")


def test_the_document_is_served_with_this_site_s_address(client: Client, stores: Stores) -> None:
    served = client.get("/horizon/api/v1/openapi.json").json()

    assert served["servers"] == [{"url": "/horizon/api/v1"}]
    assert served["paths"].keys() == document()["paths"].keys()


def test_the_door_knows_of_each_operation_what_the_document_says() -> None:
    said: dict[str, dict[str, Operation]] = {}
    for method, path, operation in operations():
        said.setdefault(path, {})[method.upper()] = Operation(
            right=Right(operation["x-right"]),
            parameters=frozenset(each["name"] for each in operation["parameters"] if each["in"] == "query"),
            has_body="requestBody" in operation,
        )

    assert known_operations(ROUTERS) == said


OF_THEIR_OWN = {("post", "/views"), ("delete", "/views/{view_id}")}
"""Writes that take no right but to look: they are about what the caller alone has."""


def test_every_write_names_a_right_of_its_own_and_no_read_does() -> None:
    for method, path, operation in operations():
        assert operation["x-right"] in set(Right), path
        needs_none = method == "get" or (method, path) in OF_THEIR_OWN or "x-right-of" in operation
        assert (operation["x-right"] == Right.VIEW) == needs_none, path


def test_no_two_operations_share_a_name_and_each_says_what_it_is() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]

    assert len(names) == len(set(names))
    assert all(operation["summary"] for _, _, operation in operations())


def test_no_page_of_another_site_is_needed_to_read_it() -> None:
    assert api.docs_url is None


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_requests_made_up_from_the_document_are_answered_as_it_says(
    stores: Stores, connection_stays: None, settings: Any, mode: str
) -> None:
    # Here, so that not every process of the run loads it.
    from tests.support.made_up_requests import statuses_of

    settings.HORIZON = {**settings.HORIZON, "environment": "staging"}
    busy_system(stores, time.time())
    token = make("walker", [right.value for right in Right], now=datetime.now(UTC), made_by="tests").text

    seen = statuses_of(document(), token, mode)

    assert 200 in seen or mode == "negative"
    assert 401 not in seen


def test_without_its_library_the_api_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert addresses()

    monkeypatch.setattr(mount, "find_spec", lambda name: None)

    assert addresses() == []


def test_the_pages_need_nothing_of_the_api_s_library() -> None:
    code = "import sys; sys.modules['ninja'] = None; sys.modules['pydantic'] = None; import django; django.setup(); "
    code += "import allegro_queue.dashboard.acting.actions, allegro_queue.api.door, allegro_queue.api.mount, allegro_queue.tokens.tokens"

    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "DJANGO_SETTINGS_MODULE": "allegro.settings"}
    )
