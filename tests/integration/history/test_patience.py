"""A page's reads end when its reader has waited long enough: the database itself is stopped."""

from __future__ import annotations

import time

import pytest
from django.db import transaction

from allegro_queue.history.database import database
from allegro_queue.history.patience import TookTooLong, counted, patience

pytestmark = pytest.mark.django_db

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"

LONG = ENDLESS.replace("FROM n) SELECT", "FROM n LIMIT 2000000) SELECT")


def endless() -> int:
    with database().cursor() as cursor:
        cursor.execute(ENDLESS)
        (found,) = cursor.fetchone()
    return int(found)


def endless_after_its_first_row() -> int:
    """SQLite finds rows while they are fetched."""
    with database().cursor() as cursor:
        cursor.execute("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 2")
        return len(cursor.fetchall())


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

    with patience(5, counting=0.05), transaction.atomic():
        counted(endless)
        assert counted(lambda: begun.append(str(one()))) is None

    assert begun == []


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
