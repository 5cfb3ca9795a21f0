"""Records in Redis as another version wrote them: in a deploy two run side by side, and after a roll-back the older one reads
what the newer one left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

BLANKS: Mapping[str, Any] = {"str": "", "int": 0, "float": 0.0, "tuple[str, ...]": (), "Balance": False}
"""What stands for a value that must be there and is not, by the type that a field is declared with; else ``None``."""


def known(record: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a record has a field for. What the other version has added is left out; what it did not write is blank."""
    names, blanks = fields_of(record)
    return {**blanks, **{name: value for name, value in given.items() if name in names}}


@cache
def fields_of(record: type) -> tuple[frozenset[str], Mapping[str, Any]]:
    """A record's fields, and the blanks of those that must be there. (A page reads hundreds of records.)"""
    each = fields(record)
    return frozenset(one.name for one in each), {
        one.name: BLANKS.get(str(one.type)) for one in each if one.default is MISSING and one.default_factory is MISSING
    }
