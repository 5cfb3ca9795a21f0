"""A table that takes for ever to read, on any database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

FOR_EVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


@contextmanager
def endless(table: str) -> Iterator[None]:
    """A view in its place, which counts to infinity before it gives a row."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_kept")
        cursor.execute(f"CREATE VIEW {table} AS SELECT * FROM {table}_kept WHERE ({FOR_EVER}) > 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP VIEW {table}")
            cursor.execute(f"ALTER TABLE {table}_kept RENAME TO {table}")
