"""The catalogues of texts, the library's and the product's: made anew from the code, and compiled.

    python -m allegro.dev.messages

New messages come in without a translation, those that the code has no more go out, and all others stay as they are.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Part:
    """What has a catalogue of its own."""

    package: Path
    templates: Path

    def po_of(self, language: str) -> Path:
        return self.package / "locale" / language / "LC_MESSAGES" / "django.po"


PARTS = {
    "library": Part(ROOT / "allegro_queue", ROOT / "allegro_queue" / "templates"),
    "product": Part(ROOT / "allegro", ROOT / "templates"),
}
LANGUAGES = ("he",)

KEYWORDS: dict[str, Any] = {
    "gettext": None,
    "gettext_noop": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    # Sentences that are kept and told later.
    "telling": None,
    "telling_of": (1, 2),
    # In templates.
    "_": None,
}


def in_code(part: Part) -> Catalog:
    """Every message that a part's code and templates hold."""
    catalog = Catalog()
    for file in sorted(part.package.rglob("*.py")):
        read_into(catalog, "python", file.read_bytes())
    for file in sorted(each for kind in ("*.html", "*.txt") for each in part.templates.rglob(kind)):
        # Django turns a template into calls of gettext, one a line, with all else crossed out.
        calls = "\n".join(line.strip() for line in templatize(file.read_text(encoding="utf-8")).splitlines())
        read_into(catalog, extract_python, calls.encode())
    return catalog


def read_into(catalog: Catalog, method: Any, source: bytes) -> None:
    for _, message, _, context in extract(method, io.BytesIO(source), KEYWORDS):
        catalog.add(message, context=context)


def kept(part: Part, language: str) -> Catalog:
    """The catalogue as it is kept."""
    with part.po_of(language).open("rb") as file:
        return read_po(file, locale=language)


def merged(part: Part, language: str) -> Catalog:
    """The catalogue as it is kept, brought up to the code."""
    catalog = kept(part, language)
    catalog.update(in_code(part), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    return catalog


def written(catalog: Catalog) -> bytes:
    """A catalogue as its file has it: sorted, without places in the code, so that a change shows only what it changed."""
    file = io.BytesIO()
    write_po(file, catalog, width=120, sort_output=True, no_location=True)
    return file.getvalue()


def compiled(catalog: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def remake() -> Iterator[str]:
    """Bring every catalogue up to the code; says how much of each is translated."""
    for (name, part), language in product(PARTS.items(), LANGUAGES):
        catalog = merged(part, language)
        part.po_of(language).write_bytes(written(catalog))
        part.po_of(language).with_suffix(".mo").write_bytes(compiled(catalog))
        messages = [message for message in catalog if message.id]
        done = sum(is_translated(message.string) for message in messages)
        yield f"{name}, {language}: {done} of {len(messages)} messages are translated."


def is_translated(string: Any) -> bool:
    return all(string) if isinstance(string, tuple | list) else bool(string)


if __name__ == "__main__":
    for line in remake():
        print(line)  # noqa: T201
