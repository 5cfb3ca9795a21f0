"""The tags of a run: those it was given, and those that its arguments say. Pure, but for the look at a signature.

An argument named ``member_id`` with the value 42 gives ``member:42``, as Horizon gives a tag for each model that a job
holds: here jobs hold ids, and the name of the argument says of what. Whole numbers, and texts that look like an id, make
tags; ``member_ids`` with a list gives a tag for each of the first few. An argument whose name masking hides makes none.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from allegro_queue.conf import horizon_settings
from allegro_queue.jobs import is_allowed
from allegro_queue.masking import rule_for_key

MOST_TAGS = 20
MOST_OF_A_LIST = 5
LONGEST_TAG = 100

ID_NAME = re.compile(r"(?P<kind>[a-z][a-z0-9_]{0,60})_(?:id|ids|pk)\Z")
ID_TEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")


def tags_of(given: Sequence[str], name: str, arguments: Sequence[Any], keywords: Mapping[str, Any]) -> tuple[str, ...]:
    """All tags of a run, those given first, each once, ``MOST_TAGS`` at most.

    Args:
        given: tags that the job was dispatched with.
        name: the job's dotted name, whose parameters name the positional arguments.
    """
    names = parameters_of(name) if arguments else ()
    called = {**dict(zip(names, arguments, strict=False)), **keywords}
    found = [clean(each) for each in given]
    for argument, value in called.items():
        found += derived(argument, value)
    return tuple(dict.fromkeys(each for each in found if each))[:MOST_TAGS]


def clean(tag: str) -> str:
    """A tag on one line, and not too long."""
    return " ".join(tag.split()).replace("\x00", "")[:LONGEST_TAG]


def derived(argument: str, value: Any) -> Iterator[str]:
    """Tags that one argument makes."""
    found = ID_NAME.match(argument)
    if found is None or rule_for_key(found["kind"]):
        return
    for each in value[:MOST_OF_A_LIST] if isinstance(value, list) else (value,):
        if (isinstance(each, int) and not isinstance(each, bool)) or (isinstance(each, str) and ID_TEXT.match(each)):
            yield f"{found['kind']}:{each}"[:LONGEST_TAG]


@lru_cache(maxsize=1_000)
def parameters_of(name: str) -> tuple[str, ...]:
    """Names of a function's positional parameters; none when it cannot be found, or may not run here."""
    if not is_allowed(name, tuple(horizon_settings().allowed_jobs)):
        return ()
    module, _, function = name.rpartition(".")
    try:
        signature = inspect.signature(getattr(importlib.import_module(module), function))
    except Exception:  # noqa: BLE001 - whatever a module does when it is imported, the run is recorded
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(each.name for each in signature.parameters.values() if each.kind in kinds)
