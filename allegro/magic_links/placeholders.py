"""Placeholders in an organization's mail: replaced, never run. Pure.

A placeholder is a name between ``{%`` and ``%}``. That it looks so is Allegro's; the names are this port's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.html import escape

from allegro_queue.errors import did_you_mean

SIGN_IN_LINK = "sign_in_link"

NAMES = ("member_name", "organization_name", SIGN_IN_LINK, "code", "expires_minutes")

PLACEHOLDERS = ", ".join(f"{{% {each} %}}" for each in NAMES)

PLACEHOLDER = re.compile(r"\{%\s*([^%{}]*?)\s*%\}")


def fill(template: str, values: Mapping[str, str], *, html: bool = False) -> str:
    """The template with each placeholder's value in its place. What a value holds is not looked at again."""

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match.group(1), "")
        return escape(value) if html else value

    return PLACEHOLDER.sub(value_of, template)


def problem_in(template: str, *, needs_link: bool) -> str:
    """What is wrong with a template; empty when nothing is."""
    found = PLACEHOLDER.findall(template)
    for name in found:
        if name not in NAMES:
            return f"There is no placeholder {name!r}{did_you_mean(name, NAMES)}"
    if needs_link and SIGN_IN_LINK not in found:
        return f"The link is missing; put {{% {SIGN_IN_LINK} %}} where it should stand."
    return ""
