from __future__ import annotations

from typing import Any

import pytest

from allegro_queue.checks import database_errors, maintenance_errors


def test_history_in_a_database_that_is_not_there_is_an_error(settings: Any) -> None:
    (found,) = database_errors("defualt")

    assert found.msg.startswith("HORIZON['database'] is 'defualt', which DATABASES does not have")
    assert "'default'" in found.msg


def test_history_in_a_database_that_it_has_no_words_for_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(database_errors("default")) == []
    monkeypatch.setattr("django.db.backends.sqlite3.base.DatabaseWrapper.vendor", "mysql")

    (found,) = database_errors("default")

    assert "of kind 'mysql'; history is kept in SQLite or PostgreSQL" in found.msg


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        ("allegro_queue.nowhere.is_up", "which cannot be imported (No module named 'allegro_queue.nowhere')."),
        ("allegro_queue.conf.FROM_NOUGHT", "which is no function."),
    ],
)
def test_a_maintenance_mode_that_cannot_be_asked_is_an_error(path: str, trouble: str) -> None:
    assert list(maintenance_errors("")) == []
    assert list(maintenance_errors("tests.support.maintenance_flag.is_up")) == []

    (found,) = maintenance_errors(path)

    assert found.msg == f"HORIZON['maintenance'] is {path!r}, {trouble}"
