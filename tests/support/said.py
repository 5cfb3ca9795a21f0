"""What the pages say, without their markup."""

from __future__ import annotations

import html
import re

from django.test import Client
from django.urls import reverse

from allegro_queue.dashboard.findings.verdict import Verdict


def words_of(body: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def text_of(client: Client, name: str, **places: str) -> str:
    """What a page says."""
    return words_of(client.get(reverse(f"horizon:{name}", kwargs=places)).content.decode())


def verdict(client: Client) -> Verdict:
    """What the overview says first."""
    found: Verdict = client.get(reverse("horizon:overview")).context["page"].verdict
    return found
