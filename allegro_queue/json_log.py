"""Log lines as JSON, one object a line, for whoever collects logs. A formatter of ``logging`` and nothing else."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

from allegro_queue.request_ids import request_of_now

PAIR = re.compile(r"(?<!\S)([a-z_]+)=(\S+)")
"""``pid=4711`` in a message, as the library writes what an event is about."""

KEPT = frozenset(
    {"at", "level", "logger", "message", "pid", "process", "exception", "trace_id", "span_id", "request_id"}
)

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """``{"at", "level", "logger", "message", "process"}``, with the pairs of the message and the extras of the call.

    Of an exception there is type, text and traceback in ``exception``. The trace that a line belongs to is named when
    OpenTelemetry is installed and a span is open, and the request when ``middleware.RequestIds`` is in ``MIDDLEWARE``.
    """

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
            "process": record.process,
        }
        if record.name.startswith("allegro_queue"):
            # The first of a name counts: what people wrote comes last in a message.
            pairs = reversed(PAIR.findall(message))
            line.update({key: value for key, value in pairs if key not in KEPT or key == "pid"})
        line.update(
            {
                key: value
                for key, value in vars(record).items()
                if key not in STANDARD and key not in KEPT and is_plain(value)
            }
        )
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        line.update(current_trace())
        line.update(request_of_now())
        return json.dumps(line, ensure_ascii=False, default=str)


def is_plain(value: object) -> bool:
    """Whether it can be a value of JSON as it is."""
    return value is None or isinstance(value, str | int | float | bool)


def current_trace() -> dict[str, object]:
    """The open span's ids, if OpenTelemetry is in use."""
    from allegro_queue.tracing import trace_of_now

    return trace_of_now()
