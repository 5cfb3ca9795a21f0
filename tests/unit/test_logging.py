from __future__ import annotations

import logging


def test_what_django_reports_is_written_once_by_the_one_handler():
    assert logging.getLogger("django").handlers == []
    assert logging.getLogger("django").propagate
