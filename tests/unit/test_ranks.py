"""Who may import whom: the table of docs/architecture.md, held against the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "allegro_queue"
ROW = re.compile(r"^\| (\d+) \| ([^|]*) \|", re.MULTILINE)

NEIGHBOURS = 7
"""The rank whose parts do not know each other."""


def ranks() -> dict[str, int]:
    """Rank by part, such as ``workers`` or ``stores/keys``."""
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return {
        name.strip("/"): int(number) for number, names in ROW.findall(table) for name in re.findall(r"`([^`]+)`", names)
    }


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the library by its dotted name inside the package; not migrations, which Django writes."""
    for file in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
        if name and not name.startswith("migrations"):
            yield name, ast.parse(file.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Modules of the library that one imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "allegro_queue":
            yield from (each.name for each in node.names if each.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("allegro_queue."):
            yield str(node.module).removeprefix("allegro_queue.")
        elif isinstance(node, ast.Import):
            yield from (
                each.name.removeprefix("allegro_queue.")
                for each in node.names
                if each.name.startswith("allegro_queue.")
            )


def part_of(module: str, known: dict[str, int]) -> str:
    """The part that a module belongs to: the longest name that the table has for it."""
    names = module.split(".")
    whole = "/".join(names[:2])
    return whole if whole in known else names[0]


def test_each_module_has_a_rank() -> None:
    known = ranks()

    assert sorted({part_of(name, known) for name, _ in modules()} - set(known)) == []


def test_no_part_of_the_table_is_gone() -> None:
    gone = [part for part in ranks() if not (PACKAGE / part).is_dir() and not (PACKAGE / f"{part}.py").is_file()]

    assert gone == []


def test_a_module_imports_only_from_ranks_above_its_own() -> None:
    known = ranks()
    wrong = []
    for name, tree in modules():
        mine = part_of(name, known)
        for other in imported(tree):
            theirs = part_of(other, known)
            if known[theirs] > known[mine] or (known[theirs] == known[mine] == NEIGHBOURS and theirs != mine):
                wrong.append(f"{name} ({known[mine]}) imports {other} ({known[theirs]})")

    assert wrong == []


def test_the_folders_of_the_dashboard_import_each_other_in_no_circle() -> None:
    """A page may be made of what others have; then those know nothing of it."""
    knows: dict[str, set[str]] = {}
    for name, tree in modules():
        if name.startswith("dashboard."):
            mine = name.split(".")[1]
            others = (each.split(".")[1] for each in imported(tree) if each.startswith("dashboard."))
            knows.setdefault(mine, set()).update(other for other in others if other != mine)

    list(TopologicalSorter(knows).static_order())
