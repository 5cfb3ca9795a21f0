"""Keeps one-time tokens, and requests that found nothing new, out of the web server's log of requests."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"((?:^|[?&])[^=&\s]*token[^=&\s]*=)[^&\s]+", re.IGNORECASE)
NOT_MODIFIED = "304"


class AccessLogFilter(logging.Filter):
    """For the logger ``django.server``, whose lines are made of request line, status and size."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop a line that says "not modified", and hide the value of each parameter with "token" in its name."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        if len(arguments) > 1 and arguments[1] == NOT_MODIFIED:
            return False
        record.args = tuple(TOKEN.sub(r"\1…", each) if isinstance(each, str) else each for each in arguments)
        return True
