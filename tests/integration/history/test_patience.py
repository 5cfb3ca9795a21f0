"""A page's reads end when its reader has waited long enough: the database itself is stopped, SQLite and PostgreSQL alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from allegro_queue.history.database import alias, database
from allegro_queue.history.patience import TookTooLong, counted, patience
from tests.support.databases import history_at
from tests.support.postgres import a_postgres_server

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def postgres_url(postgres_programs: Path) -> Iterator[str]:
    with a_postgres_server(postgres_programs) as url:
        yield url


@pytest.fixture
def on_postgresql(postgres_url: str, db: None, settings: Any) -> Iterator[None]:
    """History is on PostgreSQL, outside of any transaction, as for a page."""
    with history_at(postgres_url, settings):
        yield


@pytest.fixture(params=["sqlite", "postgresql"], autouse=True)
def vendor(request: pytest.FixtureRequest) -> None:
    """Each promise is kept on both."""
    if request.param == "postgresql":
        request.getfixturevalue("on_postgresql")
    assert database().vendor == request.param


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"

LONG = ENDLESS.replace("FROM n) SELECT", "FROM n WHERE x < 2000000) SELECT")


def endless() -> int:
    with database().cursor() as cursor:
        cursor.execute(ENDLESS)
        (found,) = cursor.fetchone()
    return int(found)


def endless_after_its_first_row() -> int:
    """SQLite finds rows while they are fetched, and so does PostgreSQL where the cursor fetches."""
    with database().chunked_cursor() as cursor:
        cursor.execute("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 2")
        return len(cursor.fetchall())


def one_by_one() -> list[int]:
    """A cursor that fetches: on PostgreSQL a named one, which can hold no other statement."""
    with database().chunked_cursor() as cursor:
        cursor.execute("SELECT 1 UNION ALL SELECT 2")
        return [number for (number,) in cursor]


def one() -> int:
    with database().cursor() as cursor:
        cursor.execute("SELECT 1")
        (found,) = cursor.fetchone()
    return int(found)


def test_a_statement_without_end_is_stopped_when_the_time_is_over() -> None:
    begun = time.monotonic()

    with pytest.raises(TookTooLong), patience(0.1, counting=0.1):
        endless()

    assert 0.1 <= time.monotonic() - begun < 5


def test_after_a_page_the_connection_has_all_the_time_again() -> None:
    with patience(0.05, counting=0.05), pytest.raises(TookTooLong):
        endless()

    with database().cursor() as cursor:
        cursor.execute(LONG)
        assert cursor.fetchone() == (2_000_000,)


def test_a_count_that_takes_too_long_is_left_out_and_the_page_reads_on() -> None:
    with patience(5, counting=0.05) as reader:
        assert counted(endless) is None
        assert one() == 1

    assert reader.left_out


def test_when_one_count_has_used_up_the_time_the_next_is_not_begun() -> None:
    begun: list[str] = []

    with patience(5, counting=0.05):
        counted(endless)
        assert counted(lambda: begun.append(str(one()))) is None

    assert begun == []


def test_a_count_in_time_costs_no_query_but_its_own(django_assert_num_queries: Any) -> None:
    with patience(5, counting=5), django_assert_num_queries(1, connection=database()):
        counted(one)


def test_what_was_written_before_a_count_that_took_too_long_stays() -> None:
    with patience(5, counting=0.05), database().cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE written AS SELECT 3 AS number")
        assert counted(endless) is None
        cursor.execute("SELECT number FROM written")
        assert cursor.fetchone() == (3,)
        cursor.execute("DROP TABLE written")


def test_inside_a_part_that_may_be_undone_a_count_undoes_only_itself() -> None:
    with patience(5, counting=0.05):
        with transaction.atomic(using=alias()):
            assert counted(endless) is None
            assert one() == 1
        assert one() == 1


def test_a_count_that_has_begun_a_part_of_its_own_is_given_up_like_any_other() -> None:
    def in_parts() -> int:
        with transaction.atomic(using=alias()):
            one()
        return endless()

    with patience(5, counting=0.05):
        assert counted(in_parts) is None
        assert one() == 1


def test_a_count_in_time_is_given_and_nothing_is_left_out() -> None:
    with patience(5, counting=5) as reader:
        assert counted(one) == 1

    assert not reader.left_out


def test_without_a_page_there_is_no_hurry() -> None:
    assert counted(one) == 1


def test_what_is_stopped_while_its_rows_are_fetched_took_too_long_as_well() -> None:
    with pytest.raises(TookTooLong), patience(0.1, counting=0.1):
        endless_after_its_first_row()

    with patience(5, counting=0.05) as reader:
        assert counted(endless_after_its_first_row) is None
        assert one() == 1
    assert reader.left_out


def test_rows_that_are_fetched_bit_by_bit_come_as_they_do_without_a_page() -> None:
    with patience(5, counting=5):
        assert one_by_one() == [1, 2]


def test_what_a_page_reads_after_it_undid_something_is_stopped_as_well() -> None:
    begun = time.monotonic()

    with pytest.raises(TookTooLong), patience(0.2, counting=0.2):
        # The limit is told with the page's first statement, so it is undone with it.
        with transaction.atomic(using=alias()):
            one()
            transaction.set_rollback(True, using=alias())
        endless()

    assert time.monotonic() - begun < 5


def test_what_a_page_reads_after_a_count_that_took_too_long_is_stopped_as_well() -> None:
    begun = time.monotonic()

    with pytest.raises(TookTooLong), patience(0.3, counting=0.05) as reader:
        assert counted(endless) is None
        endless()

    assert reader.left_out
    assert time.monotonic() - begun < 5


def test_in_a_transaction_of_somebody_else_the_limit_ends_with_the_page() -> None:
    with transaction.atomic(using=alias()):
        with patience(0.5, counting=0.5):
            one()
        with database().cursor() as cursor:
            cursor.execute(LONG)
            assert cursor.fetchone() == (2_000_000,)
