"""What is shown when a request goes wrong outside the local environment: words, under the site's own policy."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from allegro.urls import handler500 as handler500
from allegro.urls import mounted

pytestmark = pytest.mark.django_db


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("canary: what only the log may hold")


urlpatterns = [*mounted(local=False), path("broken/", broken)]


def assert_sensible(answer: Any, status: int, heading: str) -> None:
    body = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{heading}</h1>" in body
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    # The policy would block it, and a page that needs it would be bare.
    assert "<style" not in body
    assert " style=" not in body


def test_an_unknown_address_is_answered_in_words_and_leads_back(client: Client) -> None:
    answer = client.get("/no/such/page/")

    assert_sensible(answer, 404, "No such page")
    assert 'href="/"' in answer.content.decode()


def test_a_form_without_its_token_is_told_that_nothing_was_done() -> None:
    answer = Client(enforce_csrf_checks=True).post("/members/sign-out/")

    assert_sensible(answer, 403, "Nothing was done")


def test_a_host_that_is_not_served_is_refused_in_words(client: Client) -> None:
    assert_sensible(client.get("/members/", headers={"host": "evil.example"}), 400, "Bad request")


@pytest.mark.urls("tests.web.test_error_pages")
def test_a_fault_of_ours_is_owned_up_to_and_tells_nothing_of_its_inside() -> None:
    answer = Client(raise_request_exception=False).get("/broken/")

    assert_sensible(answer, 500, "Something broke")
    assert "canary" not in answer.content.decode()
