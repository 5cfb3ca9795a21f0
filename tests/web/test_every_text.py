"""No page tells its reader anything in a language other than the reader's: every text of every page is looked at."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from allegro_queue.alerts.rules import RULES
from allegro_queue.stores import Stores
from tests.support import every_page, pseudo

pytestmark = pytest.mark.django_db(transaction=True)

VERBATIM = {"code", "kbd", "pre", "samp", "bdi", "time"}
"""Elements that hold what is the same in every language: code and commands, names set apart, moments."""

NAMES = {
    # The product, and what it exports to.
    "Horizon", "Allegro administration", "CSV", "JSON", "NDJSON", "Redis",
    # How the languages themselves are called, each in its own words.
    "English", "עברית",
    # The environment, and what QUEUE_CONNECTION may be.
    "local", "redis",
    # Statistics that are called so everywhere.
    "p50", "p95", "p99",
    # Who acted, and what the scene's people named.
    "ada@alley.com", "Import of members", "member:42", "tidy", "'tidy'",
}  # fmt: skip

QUEUES = r"high|default|audience-sync"
ENTRIES = r"audience-sync-tick|horizon-snapshot|links-forget|links-put-off|webhooks-due|webhooks-forget"
PATTERNS = (
    # A number, with the name of its statistic or its letter for thousands; a moment's rest.
    r"p\d\d \d+", r"\d+k", r"\d{4}, [\d:]+ UTC", r"[\d:]+",
    # Ids, hosts, processes.
    r"[0-9a-f]{8}-[0-9a-f-]{27}", r"web-\d(-\d+)?", r"web-1, web-2", r"run-[a-z-]+",
    # Queues and entries of the schedule, alone, in a list, behind the name of a page's kind.
    rf"(: |› )?({QUEUES}|{ENTRIES}),?",
    # Functions with their modules, and places in the code.
    r"(› )?([a-z_]+\.)+([a-z_]+)?", r"[a-z/]+\.py(:\d+)?( in( [a-z_]+)?)?",
    # What an exception says.
    r"(: )?(ValueError: )?(as asked|order 41 is closed)|ValueError",
    # Terms of the filter, which are typed.
    r"[a-z._]+:[^ ]+( [a-z._]+:[^ ]+)*", 
    # A server's own name and number.
    r"(Valkey|Redis) [\d.]+",
    # The product's name, which ends each title and begins the breadcrumbs.
    r"(.* )?\| Horizon", r"› Horizon",
)  # fmt: skip

FUNCTIONS = {
    "add", "charge(order)", "deliver", "fail", "forget_old_events", "forget_old_links", "nothing", "pay", "perform",
    "queue_due_deliveries", "queue_put_off_links", "send_magic_link", "snapshot", "sync_member", "tick",
}  # fmt: skip


def is_data(text: str, where: tuple[str, ...]) -> bool:
    """Whether a text is the same in each language."""
    return (
        not VERBATIM.isdisjoint(each.removesuffix("@title") for each in where)
        or text in NAMES | FUNCTIONS | set(RULES)
        # Already in the letters of the reader's language, as the library that reads cron lines out says them.
        or not re.search("[A-Za-z]", text)
        or any(re.fullmatch(each, text) for each in PATTERNS)
    )


def test_every_text_of_every_page_is_translated_or_data(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = every_page.pages(client, every_page.system(stores))
    pseudo.speak(monkeypatch)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = pseudo.LANGUAGE
    untranslated = {}

    for name, address in pages.items():
        found = pseudo.unmarked(client.get(address).content.decode())
        if left := sorted({text for text, where in found if not is_data(text, where)}):
            untranslated[name] = left

    assert len(pages) > 30
    assert untranslated == {}
