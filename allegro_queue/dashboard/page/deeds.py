"""What people did, in the reader's language: the journal has one word of English for each kind of deed."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

ACTIONS = (
    gettext_noop("cancel"),
    gettext_noop("cancel batch"),
    gettext_noop("cancel run"),
    gettext_noop("carry on run"),
    gettext_noop("clear"),
    gettext_noop("continue"),
    gettext_noop("control"),
    gettext_noop("delete"),
    gettext_noop("delete a view"),
    gettext_noop("empty"),
    gettext_noop("end worker"),
    gettext_noop("export"),
    gettext_noop("make token"),
    gettext_noop("follow tag"),
    gettext_noop("mark failure"),
    gettext_noop("move"),
    gettext_noop("move jobs"),
    gettext_noop("mute alert"),
    gettext_noop("pause"),
    gettext_noop("pause entry now"),
    gettext_noop("restore"),
    gettext_noop("resume"),
    gettext_noop("resume entry now"),
    gettext_noop("retry"),
    gettext_noop("retry batch"),
    gettext_noop("revoke token"),
    gettext_noop("run again"),
    gettext_noop("run entry"),
    gettext_noop("run other"),
    gettext_noop("save a view"),
    gettext_noop("stop"),
    gettext_noop("stop following tag"),
    gettext_noop("terminate"),
    gettext_noop("test channel"),
    gettext_noop("undo run"),
    gettext_noop("unmute alert"),
)
"""What can be done, for the form's choice."""


def action_words(action: str) -> str:
    """What was done; as it was noted when this version knows no such deed."""
    return gettext(action) if action in ACTIONS else action
