"""A theme that replaces admin's templates, and the pages in its frame or in Django's own."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from allegro_queue.stores import Stores

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stores")]

THEME = """<!DOCTYPE html>
<html><head><title>{% block title %}{% endblock %}</title>{% block extrastyle %}{% endblock %}{% block extrahead %}{% endblock %}</head>
<body x-data="{open: false}"><script>theme()</script>{% block branding %}{% endblock %}{% block content %}{% endblock %}</body></html>
"""


@pytest.fixture
def theme(settings: Any, tmp_path: Path) -> None:
    """A theme whose menus are expressions in attributes, found before admin's templates and the project's."""
    (tmp_path / "admin").mkdir()
    (tmp_path / "admin" / "base.html").write_text(THEME)
    (tmp_path / "admin" / "base_site.html").write_text('{% extends "admin/base.html" %}')
    templates = deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [tmp_path, *templates[0]["DIRS"]]
    settings.TEMPLATES = templates


def overview(client: Client) -> str:
    answer = client.get(reverse("horizon:overview"))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.usefixtures("theme")
def test_the_pages_stand_in_the_frame_of_a_theme(client: Client) -> None:
    body = overview(client)

    assert "<script>theme()</script>" in body
    assert '<div class="hz"' in body


@pytest.mark.usefixtures("theme")
def test_the_pages_stand_in_djangos_own_frame_beside_a_theme_where_that_is_asked_for(
    client: Client, settings: Any
) -> None:
    settings.HORIZON = {**settings.HORIZON, "frame": "django"}

    body = overview(client)

    assert "theme()" not in body
    assert "x-data" not in body
    assert not re.findall(r"<script(?![^>]* src=)|<style| style=", body)
    assert f'<div id="site-name"><a href="{reverse("admin:index")}">' in body
    assert '<div class="breadcrumbs">' in body
    assert "admin/css/base" in body
    assert '<div class="hz"' in body


def test_a_refresh_has_no_frame_at_all(client: Client, settings: Any, stores: Stores) -> None:
    settings.HORIZON = {**settings.HORIZON, "frame": "django"}

    answer = client.get(reverse("horizon:overview"), headers={"X-Horizon-Fragment": "1"})

    assert b"site-name" not in answer.content
    assert b"<html" not in answer.content


def test_without_a_theme_the_two_frames_differ_by_the_projects_own_part_alone(client: Client, settings: Any) -> None:
    usual = overview(client)
    settings.HORIZON = {**settings.HORIZON, "frame": "django"}

    plain = overview(client)

    for part in ('<header id="header">', '<div id="site-name">', "Toggle theme", '<div class="breadcrumbs">'):
        assert usual.count(part) == plain.count(part) > 0, part
    assert "language-choice" in usual
    assert "language-choice" not in plain
