"""What the page's scripts say, in the reader's language: they take it from the page and have no texts of their own."""

from __future__ import annotations

import json

from django.utils.translation import gettext


def script_words() -> str:
    """Every text by its name, as JSON. Places in ``{}`` are filled in by the script."""
    return json.dumps(
        {
            "silent": gettext("the server does not answer"),
            "answered": gettext("the server answered {status}"),
            "answeredAs": gettext("the server answered {status} (request id {id})"),
            "strange": gettext("the server sent something else"),
            "away": gettext("Redis does not answer"),
            "late": gettext("the database takes long"),
            "signedOut": gettext("You were signed out."),
            "signIn": gettext("Sign in"),
            "asOf": gettext("As of {clock}, {time} ago: {trouble}"),
            "updated": gettext("Updated {clock}, {time} ago"),
            "seconds": gettext("{n} s"),
            "minutes": gettext("{n} min"),
            "hours": gettext("{n} h"),
            "copied": gettext("Copied"),
            "keys": gettext("Keys"),
            "keysOn": gettext("Keys are on"),
            "close": gettext("Close"),
            "listed": [
                ["?", gettext("this list")],
                ["/", gettext("search")],
                [
                    gettext("g, then o j f q w s m t a h"),
                    gettext(
                        "overview, jobs, failures, queues, workers, schedule, metrics, monitoring (tags), activity, health"
                    ),
                ],
                ["j, k", gettext("next row, row before")],
                ["Enter", gettext("open the row")],
                ["x", gettext("tick the row; Shift and x: all from the last one ticked")],
                ["*", gettext("tick all rows; when more match, on to what acts on all of them")],
                ["r, d", gettext("retry or delete the ticked rows (asks first)")],
                ["p", gettext("pause or resume live updates")],
                [".", gettext("update now")],
                ["[, ]", gettext("a shorter or a longer time in the charts")],
                ["Esc", gettext("close, or leave the field")],
            ],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
