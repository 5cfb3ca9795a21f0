"""The catalogues of texts, held against the code: what is missing, stale or filled in wrongly is a fault."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from allegro.dev import messages

PLACE = re.compile(r"%\(\w+\)s|\{\w+\}")


def forms(text: Any) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, tuple | list) else (text,)


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize("part", messages.PARTS.values(), ids=messages.PARTS)
def test_a_catalogue_has_the_messages_of_the_code_and_no_others(part: messages.Part, language: str) -> None:
    remade = messages.written(messages.merged(part, language))

    assert part.po_of(language).read_bytes() == remade, "run: make messages"


def test_no_message_stands_inside_another_string_where_it_is_not_found() -> None:
    hidden = [
        f"{file.name}:{call.lineno}"
        for part in messages.PARTS.values()
        for file in sorted(part.package.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.JoinedStr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in messages.KEYWORDS
        if call.args and isinstance(call.args[0], ast.Constant)
    ]

    assert hidden == []


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize("part", messages.PARTS.values(), ids=messages.PARTS)
def test_the_compiled_catalogue_is_the_written_one(part: messages.Part, language: str) -> None:
    compiled = messages.compiled(messages.kept(part, language))

    assert part.po_of(language).with_suffix(".mo").read_bytes() == compiled, "run: make messages"


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize("part", messages.PARTS.values(), ids=messages.PARTS)
def test_every_message_is_translated(part: messages.Part, language: str) -> None:
    catalog = messages.kept(part, language)

    assert [message.id for message in catalog if message.id and not messages.is_translated(message.string)] == []


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize("part", messages.PARTS.values(), ids=messages.PARTS)
def test_a_translation_has_the_places_of_its_message(part: messages.Part, language: str) -> None:
    wrong = []
    for message in messages.kept(part, language):
        asked, given = forms(message.id), forms(message.string)
        # The form for many has them all; the form for one may say its number in words.
        whole = set(PLACE.findall(asked[-1]))
        if set(PLACE.findall(given[-1])) != whole or any(not set(PLACE.findall(each)) <= whole for each in given):
            wrong.append(message.id)

    assert wrong == []


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize("part", messages.PARTS.values(), ids=messages.PARTS)
def test_a_translation_has_the_markup_of_its_message(part: messages.Part, language: str) -> None:
    wrong = [
        message.id
        for message in messages.kept(part, language)
        for each in forms(message.string)
        if sorted(re.findall(r"<[^>]*>", each)) != sorted(re.findall(r"<[^>]*>", forms(message.id)[-1]))
    ]

    assert wrong == []


def test_what_an_action_tells_is_no_text_of_one_language() -> None:
    """A message after an action is read by the person in their language, and kept in English: so it must be lazy."""
    eager = [
        f"{file.name}:{node.lineno}"
        for file in sorted((messages.PARTS["library"].package / "dashboard").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Tuple) and len(node.elts) == 2
        if ast.unparse(node.elts[0]).startswith("messages.")
        if isinstance(node.elts[1], ast.Constant | ast.JoinedStr) or is_eager(node.elts[1])
    ]

    assert eager == []


def is_eager(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in ("gettext", "ngettext", "worded")
