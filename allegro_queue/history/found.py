"""Whether there are runs of some filters at all: for a list that found none, to say which term left nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from allegro_queue.history.conditions import conditions, joined, order_of, source_of, values_of
from allegro_queue.history.database import database
from allegro_queue.history.filters import Filter
from allegro_queue.history.runs import COMPARED_BY

# ruff: noqa: S608 - what is put into a statement is a constant of the library; values are parameters

GLANCE = 2_000
"""Newest rows that are looked at."""


def have_runs(filters: Sequence[Filter]) -> list[bool]:
    """Whether each finds a run among the newest ``GLANCE`` that its index gives: one query."""
    if not filters:
        return []
    questions: list[str] = []
    values: list[Any] = []
    for wanted in filters:
        driver = wanted.driver
        if driver == "text" and database().vendor == "postgresql":
            # Its index of words has no order, so that it could not stop after the newest.
            driver = replace(wanted, text="").driver
        source, parts = source_of(wanted, driver)
        rest = list(conditions(wanted, without=driver))
        newest = (
            f"SELECT {COMPARED_BY} FROM {source} WHERE {joined(parts)} ORDER BY {order_of(driver)} DESC LIMIT {GLANCE}"
        )
        questions.append(f"EXISTS (SELECT 1 FROM ({newest}) AS run WHERE {joined(rest) if rest else '1 = 1'})")
        values += values_of([*parts, *rest])
    with database().cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(questions)}", values)
        return [bool(each) for each in cursor.fetchone()]
