"""A limit on the time that history's database may take, on each database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from allegro_queue.history.database import database
from allegro_queue.history.models import Run
from allegro_queue.history.time_limit import OutOfTime, within
from tests.support.postgres import a_postgres_server, connected_as, locked

pytestmark = pytest.mark.django_db(transaction=True)

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


@pytest.fixture(scope="module")
def postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with a_postgres_server(request.getfixturevalue("postgres_programs")) as url:
        yield url


@pytest.fixture
def on_postgres(postgres_url: str, settings: Any) -> Iterator[str]:
    """History in PostgreSQL."""
    with connected_as("slow", postgres_url):
        settings.HORIZON = {**settings.HORIZON, "database": "slow"}
        yield postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def on_each(request: pytest.FixtureRequest) -> None:
    if request.param == "postgresql":
        request.getfixturevalue("on_postgres")
    assert database().vendor == request.param


def ask(statement: str) -> Any:
    with database().cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def limits_at_work() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "history-time-limit"]


def test_a_statement_that_works_for_ever_is_cut_off(on_each: None) -> None:
    begun = time.monotonic()

    with pytest.raises(OutOfTime), within(0.3):
        ask(ENDLESS)

    assert 0.3 <= time.monotonic() - begun < 3
    assert ask("SELECT 1") == 1
    assert limits_at_work() == []


def test_a_statement_that_waits_for_a_lock_is_cut_off(on_postgres: str) -> None:
    with locked(on_postgres, Run._meta.db_table), pytest.raises(OutOfTime), within(0.3):
        Run.objects.using("slow").count()

    assert Run.objects.using("slow").count() == 0


def test_a_transaction_around_it_goes_on_after_it(on_each: None) -> None:
    with transaction.atomic(using=database().alias):
        with pytest.raises(OutOfTime), within(0.3):
            ask(ENDLESS)

        assert ask("SELECT 2") == 2


def test_what_there_is_time_for_is_answered_and_left_alone_after_it(on_each: None) -> None:
    with within(0.3):
        assert ask("SELECT 3") == 3
    with within(5):
        # Takes longer than was left of the first limit.
        assert ask(ENDLESS.replace("FROM c)", "FROM c WHERE x < 1000000)")) == 1_000_000


def test_once_the_time_is_up_nothing_more_is_asked(on_each: None) -> None:
    with pytest.raises(OutOfTime), within(0.2):
        with pytest.raises(OutOfTime), within(5):
            ask(ENDLESS)
        ask("SELECT 4")


def test_the_shorter_of_two_limits_leaves_the_longer_its_time(on_each: None) -> None:
    with within(10):
        with pytest.raises(OutOfTime), within(0.2):
            ask(ENDLESS)

        assert ask("SELECT 5") == 5


def test_without_time_nothing_is_asked() -> None:
    asked = []

    with pytest.raises(OutOfTime), within(0):
        asked.append(1)

    assert asked == []


def test_an_error_of_the_database_is_not_called_slowness(on_each: None) -> None:
    with pytest.raises(DatabaseError, match="nowhere"), within(5):
        ask("SELECT * FROM nowhere")
