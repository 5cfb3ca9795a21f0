"""Deaths of workers as another version wrote them, since two may run during a deploy."""

from __future__ import annotations

import json
from dataclasses import asdict

from allegro_queue.stores.workers import read_lost
from tests.support import records

DEATH = records.lost(1_000.0)


def test_what_a_newer_version_says_besides_is_left_out() -> None:
    assert read_lost(json.dumps({**asdict(DEATH), "fate": "sealed"})) == DEATH


def test_what_an_older_version_said_in_english_alone_is_told_so_without_its_stop() -> None:
    given = {**asdict(DEATH), "reason": "was killed by somebody."}
    del given["reason_said"]

    found = read_lost(json.dumps(given))

    assert (found.reason_said, found.reason_telling.words) == (None, "was killed by somebody")
