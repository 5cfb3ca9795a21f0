from __future__ import annotations

from allegro_queue.history.models import Series
from allegro_queue.history.stretches import SERIES_COLUMNS


def test_no_index_holds_what_is_counted_so_that_postgresql_counts_in_place() -> None:
    indexed = {field for index in Series._meta.indexes for field in (*index.fields, *index.include)}

    assert indexed & set(SERIES_COLUMNS) == set()
