"""Whether a job's arguments survive JSON unchanged; checked at the call, where the mistake is. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from allegro_queue.errors import InvalidJob


def check_arguments(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], largest: int) -> None:
    """Nothing, if every argument is made of text, numbers, booleans, ``None``, lists and dicts with text keys.

    Args:
        name: the job's dotted name, for the message.
        largest: the most bytes that the arguments may take as JSON.

    Raises:
        InvalidJob: says which argument, what was found, and what would be right.
    """
    for index, value in enumerate(args):
        check_value(name, f"argument {index + 1}", value)
    for key, value in kwargs.items():
        check_value(name, f"argument {key!r}", value)
    size = len(json.dumps([list(args), dict(kwargs)]).encode())
    if size > largest:
        raise InvalidJob(
            f"{name} cannot be queued: its arguments take {size:,} bytes as JSON; at most {largest:,} are allowed. "
            "Store the data and pass its id."
        )


def check_value(name: str, where: str, value: Any) -> None:
    """Walk one argument; the path of the offending part is in the message."""
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidJob(f"{name} cannot be queued: {where} is {value!r}, which JSON does not have.")
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_value(name, f"{where}[{index}]", item)
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidJob(f"{name} cannot be queued: {where} has the key {key!r}; JSON keys must be text.")
            check_value(name, f"{where}[{key!r}]", item)
        return
    raise InvalidJob(
        f"{name} cannot be queued: {where} is a {type(value).__name__}, which JSON cannot hold unchanged. "
        f"{remedy(value)}"
    )


def remedy(value: Any) -> str:
    """What to pass instead."""
    if hasattr(value, "pk"):
        return "Pass its primary key and load it in the job."
    if hasattr(value, "isoformat"):
        return "Pass value.isoformat()."
    if isinstance(value, tuple | set | frozenset):
        return "Pass a list."
    return "Pass text, numbers, lists or dicts."
