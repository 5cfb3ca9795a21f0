"""A job's arguments as JSON: whether they survive it unchanged, checked at the call, where the mistake is. Pure."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

from allegro_queue.errors import InvalidJob
from allegro_queue.tellings import telling

DEEPEST = 100
"""Lists and dicts inside one another."""

WIDEST_INT = 10_000
"""Bits of a whole number: Python itself refuses to read much longer ones."""

SHORT = 1000
"""Bytes up to which a window of 1 KiB holds a payload whole."""


def check_arguments(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], largest: int) -> None:
    """Nothing, if every argument is made of text, numbers, booleans, ``None``, lists and dicts with text keys.

    Args:
        name: the job's dotted name, for the message.
        largest: the most bytes that the arguments may take as JSON.

    Raises:
        InvalidJob: says which argument, what was found, and what would be right.
    """
    arguments_as_json(name, args, kwargs, largest)


def arguments_as_json(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], largest: int) -> str:
    """The checked arguments as ``[args, kwargs]``; parameters and errors as of ``check_arguments``."""
    for index, value in enumerate(args):
        check_value(name, f"argument {index + 1}", value)
    for key, value in kwargs.items():
        check_value(name, f"argument {key!r}", value)
    # All but ASCII is escaped, so characters are bytes.
    text = json.dumps([list(args), dict(kwargs)])
    if len(text) > largest:
        raise InvalidJob(
            telling(
                "{job} cannot be queued: its arguments take {bytes} bytes as JSON; at most {most} are allowed. "
                "Store the data and pass its id.",
                job=name,
                bytes=len(text),
                most=largest,
            )
        )
    return text


def payload(name: str, arguments: str) -> bytes:
    """What RQ keeps in a job's field ``data``: name, object, arguments, compressed.

    Args:
        arguments: as ``arguments_as_json`` writes them.
    """
    written = f"[{json.dumps(name)}, null, {arguments[1:]}".encode()
    if len(written) > SHORT:
        return zlib.compress(written)
    # zlib's usual window takes twenty times as long to set up as such a payload takes to compress.
    small = zlib.compressobj(level=6, wbits=10, memLevel=2)
    return small.compress(written) + small.flush()


def check_value(name: str, where: str, value: Any, depth: int = 0) -> None:
    """Walk one argument; the path of the offending part is in the message."""
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if value.bit_length() > WIDEST_INT:
            raise InvalidJob(
                telling(
                    "{job} cannot be queued: {where} is a whole number of {bits} bits.",
                    job=name,
                    where=where,
                    bits=value.bit_length(),
                )
            )
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidJob(
                telling(
                    "{job} cannot be queued: {where} is {value}, which JSON does not have.",
                    job=name,
                    where=where,
                    value=repr(value),
                )
            )
        return
    if depth == DEEPEST and isinstance(value, list | dict):
        raise InvalidJob(
            telling(
                "{job} cannot be queued: {where} holds lists and dicts more than {most} deep. "
                "Store the data and pass its id.",
                job=name,
                where=shortened(where),
                most=DEEPEST,
            )
        )
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_value(name, f"{where}[{index}]", item, depth + 1)
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidJob(f"{name} cannot be queued: {where} has the key {key!r}; JSON keys must be text.")
            check_value(name, f"{where}[{key!r}]", item, depth + 1)
        return
    raise InvalidJob(
        f"{name} cannot be queued: {where} is a {type(value).__name__}, which JSON cannot hold unchanged. "
        f"{remedy(value)}"
    )


def shortened(where: str) -> str:
    """The start of a long path."""
    return where if len(where) <= 60 else where[:60] + "..."


def remedy(value: Any) -> str:
    """What to pass instead."""
    if hasattr(value, "pk"):
        return "Pass its primary key and load it in the job."
    if hasattr(value, "isoformat"):
        return "Pass value.isoformat()."
    if isinstance(value, tuple | set | frozenset):
        return "Pass a list."
    return "Pass text, numbers, lists or dicts."
