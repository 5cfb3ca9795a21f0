"""The pages, each behind the door."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "horizon"

urlpatterns: list[URLPattern] = []
