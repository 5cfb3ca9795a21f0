"""``/members/magic-link/…``."""

from __future__ import annotations

from django.urls import path

from allegro.magic_links import views

app_name = "magic-links"
urlpatterns = [
    path("", views.ask, name="ask"),
    path("validate/", views.validate, name="validate"),
    path("code/", views.code, name="code"),
    path("status/", views.status, name="status"),
]
