from __future__ import annotations

import logging

import pytest

from allegro.access_log import AccessLogFilter


def line(request: str, status: str) -> str | None:
    """What the log says of a request; ``None`` when nothing."""
    record = logging.LogRecord("django.server", logging.INFO, "", 0, '"%s" %s %s', (request, status, "512"), None)
    return record.getMessage() if AccessLogFilter().filter(record) else None


@pytest.mark.parametrize("place", ["?", "?return_url=/&"])
def test_a_token_is_not_logged(place):
    said = line(f"GET /members/magic-link/validate/{place}allegro_token=s3cret&x=1 HTTP/1.1", "200")

    assert said == f'"GET /members/magic-link/validate/{place}allegro_token=…&x=1 HTTP/1.1" 200 512'


def test_a_request_that_found_nothing_new_is_not_logged():
    assert line("GET /horizon/ HTTP/1.1", "304") is None


def test_other_requests_are_logged_as_they_are():
    assert line("GET /horizon/jobs/?page=2 HTTP/1.1", "200") == '"GET /horizon/jobs/?page=2 HTTP/1.1" 200 512'


def test_messages_of_another_shape_pass():
    record = logging.LogRecord("django.server", logging.INFO, "", 0, "Broken pipe", None, None)

    assert AccessLogFilter().filter(record)
