"""A commented config file to start from, made of what the settings' own classes say: a key cannot be missing from it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from allegro_queue.conf import HorizonSettings
from allegro_queue.supervisor_options import SupervisorOptions

WIDTH = 116
INDENT = "    "
SUPERVISOR = "supervisor-1"

HEAD = '''\
"""Horizon's settings for this project. In settings.py: from {module} import HORIZON

Every key stands here with its default; a key that is left out keeps it. `manage.py check` names what is wrong.
"""

HORIZON = {{
'''


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the settings."""

    name: str
    default: Any
    meaning: str
    """What the docstring below the field says, as one paragraph."""


def setting_keys() -> list[Key]:
    """The keys of ``HORIZON``."""
    return list(keys_of(HorizonSettings))


def option_keys() -> list[Key]:
    """The keys of one supervisor's options."""
    return [each for each in keys_of(SupervisorOptions) if each.name != "name"]


def keys_of(settings: type[Any]) -> Iterator[Key]:
    """The fields of a dataclass with the docstrings below them, which Python itself drops."""
    meanings = attribute_docstrings(settings)
    for each in fields(settings):
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        yield Key(each.name, default, meanings.get(each.name, ""))


def attribute_docstrings(of: type[Any]) -> Mapping[str, str]:
    """By attribute, the string that stands right below it in the source."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(of))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for attribute, below in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(attribute, ast.AnnAssign)
            and isinstance(attribute.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            found[attribute.target.id] = " ".join(below.value.value.split())
    return found


def config_file(module: str) -> str:
    """The text of a config file.

    Args:
        module: the name that it is imported by.
    """
    return HEAD.format(module=module) + "".join(lines_of(setting_keys(), 1)) + "}\n"


def lines_of(keys: list[Key], depth: int) -> Iterator[str]:
    """Each key under its meaning; ``defaults`` holds one supervisor with all of its options."""
    for key in keys:
        yield from comment(key.meaning, depth)
        if key.name == "defaults":
            yield INDENT * depth + f'"{key.name}": {{\n'
            yield INDENT * (depth + 1) + f'"{SUPERVISOR}": {{\n'
            yield from lines_of(option_keys(), depth + 2)
            yield INDENT * (depth + 1) + "},\n"
            yield INDENT * depth + "},\n"
        else:
            yield INDENT * depth + f'"{key.name}": {literal(key.default)},\n'


def comment(text: str, depth: int) -> list[str]:
    """A paragraph as comment lines."""
    start = INDENT * depth + "# "
    return [f"{start}{line}\n" for line in textwrap.wrap(text.replace("``", ""), WIDTH - len(start))]


def literal(value: Any) -> str:
    """A value as it is written in a settings file."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(each) for each in value) + "]"
    return repr(value)
