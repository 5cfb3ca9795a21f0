"""Records in Redis as another version wrote them: in a deploy two run side by side, and after a roll-back the older one reads
what the newer one left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

BLANKS: Mapping[str, Any] = {"str": "", "int": 0, "float": 0.0, "tuple[str, ...]": (), "Balance": False}
"""What stands for a value that must be there and is not, by the type that a field is declared with; else ``None``."""


def known(record: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a record has a field for. What the other version has added is left out; what it did not write is blank."""
    values = {each.name: given[each.name] for each in fields(record) if each.name in given}
    missing = {
        each.name: BLANKS.get(str(each.type))
        for each in fields(record)
        if each.name not in given and each.default is MISSING and each.default_factory is MISSING
    }
    return {**missing, **values}
