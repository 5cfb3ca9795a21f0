"""What the documents say is what the code reads."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from allegro.webhooks.events import PING, SUBSCRIBABLE
from allegro_queue.conf import HorizonSettings
from allegro_queue.jobs import OPTION_FIELDS
from allegro_queue.supervisor_options import OPTION_NAMES, QUEUE_OPTION_NAMES

ROOT = Path(__file__).resolve().parent.parent.parent
READERS = {"text", "whole", "switch", "words", "seconds", "choice", "database", "email"}
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = {
    file.stem
    for package in ("allegro", "allegro_queue")
    for file in (ROOT / package).glob("**/management/commands/*.py")
    if file.stem != "__init__"
}


def variables_read() -> set[str]:
    """Names in calls such as ``env.text("REDIS_HOST")``, anywhere in the project."""
    return {
        call.args[0].value
        for file in (ROOT / "allegro").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in READERS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def first_column(document: str, heading: str) -> Iterator[str]:
    """What stands in backticks at the start of a table's rows, below a heading and before the next one."""
    text = (ROOT / "docs" / document).read_text()
    section = text.split(f"\n{heading}\n", 1)[1]
    section = re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0]
    yield from re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)


def test_every_environment_variable_is_in_the_example_and_nothing_else():
    written = re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert sorted(written) == sorted(variables_read())


def test_every_environment_variable_is_explained_and_nothing_else():
    assert sorted(first_column("settings.md", "## Environment variables")) == sorted(variables_read())


def test_every_key_of_horizon_is_explained_and_nothing_else():
    assert sorted(first_column("settings.md", "## HORIZON")) == sorted(each.name for each in fields(HorizonSettings))


def test_every_supervisor_option_is_explained_and_nothing_else():
    assert sorted(first_column("settings.md", "### Supervisor options")) == sorted(OPTION_NAMES)


def test_every_queue_option_is_explained_and_nothing_else():
    assert sorted(first_column("settings.md", "### Queue options")) == sorted(QUEUE_OPTION_NAMES)


def test_every_kind_of_event_is_explained_and_nothing_else():
    assert sorted(first_column("webhooks.md", "## Events")) == sorted([PING, *SUBSCRIBABLE])


def test_every_option_of_a_job_is_explained_and_nothing_else():
    assert sorted(first_column("jobs.md", "## Every option")) == sorted(OPTION_FIELDS)


def test_every_command_is_explained_with_its_exit_codes_and_nothing_else():
    assert sorted(first_column("operating.md", "## Commands")) == sorted(COMMANDS)
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", (ROOT / "docs" / "operating.md").read_text(), re.MULTILINE)
    assert all(re.match(r"0\b.*\b1\b", codes) for command, codes in rows if command in COMMANDS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_names_a_command_that_does_not_exist(document):
    named = re.findall(r"manage\.py (\w+)|\b(horizon_[a-z]+)\b", document.read_text())

    known = COMMANDS | {"check", "migrate", "collectstatic", "runserver", "dbshell", "rqresume", "horizon_config"}
    assert {a or b for a, b in named} <= known


def test_the_changelog_names_every_command_once():
    named = re.findall(r"`(?:manage\.py )?([a-z_]+)(?: [^`]*)?`", (ROOT / "CHANGELOG.md").read_text())

    # Told of as `make dev`.
    assert sorted(set(named) & COMMANDS) == sorted(COMMANDS - {"dev"})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(document):
    links = re.findall(r"(?<!!)\[[^]]+\]\(([^)#]+)\)", document.read_text())

    for link in links:
        assert link.startswith("https://") or (document.parent / link).exists(), link


def test_every_package_that_is_asked_for_is_pinned_with_hashes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))

    for each in map(Requirement, asked):
        version = pinned.get(canonicalize_name(each.name))
        assert version, f"{each.name} is not in requirements.txt; run: make requirements"
        assert version in each.specifier, f"{each.name}=={version} is not {each}; run: make requirements"
    text = re.sub(r"\\\n", "", (ROOT / "requirements.txt").read_text())
    assert all("--hash=sha256:" in line for line in text.splitlines() if "==" in line and not line.startswith("#"))


def test_pinned_packages_name_no_place_to_get_them_from():
    assert not re.search(r"://|--(extra-)?index-url|--find-links", (ROOT / "requirements.txt").read_text())
