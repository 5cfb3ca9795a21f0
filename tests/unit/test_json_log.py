"""Log lines as JSON."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from allegro_queue.json_log import JsonFormatter


def line(message: str, *arguments: Any, logger: str = "allegro_queue.workers.worker", **given: Any) -> dict[str, Any]:
    record = logging.LogRecord(logger, logging.WARNING, __file__, 1, message, arguments, given.pop("exc_info", None))
    vars(record).update(given)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_line_is_one_object_with_the_pairs_of_its_message():
    found = line("worker lost pid=%d queue=%s", 4711, "high")

    assert (found["message"], found["level"]) == ("worker lost pid=4711 queue=high", "WARNING")
    assert (found["pid"], found["queue"]) == ("4711", "high")


def test_a_pair_takes_the_place_of_no_field():
    assert line("level=none message=no")["level"] == "WARNING"


def test_text_of_others_is_not_taken_apart():
    assert "token" not in line("GET /?x token=abc", logger="django.server")


def test_extras_that_are_plain_are_fields():
    found = line("it", tenant="city", thing=object())

    assert found["tenant"] == "city"
    assert "thing" not in found


def test_an_exception_stands_in_its_line():
    try:
        raise ValueError("no\nnever")
    except ValueError:
        found = line("it failed", exc_info=sys.exc_info())

    assert found["exception"].endswith("ValueError: no\nnever")


def test_what_somebody_wrote_names_no_other_author():
    found = line("horizon heard pause by=%s reason=%s", "ada", "asked by=boss")

    assert found["by"] == "ada"
