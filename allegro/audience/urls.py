"""``/members/…``: what belongs to a signed-in member."""

from __future__ import annotations

from django.urls import path

from allegro.audience import views

app_name = "members"
urlpatterns = [
    path("", views.home, name="home"),
    path("sign-out/", views.leave, name="sign-out"),
]
