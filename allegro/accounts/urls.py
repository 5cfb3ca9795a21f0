"""``/accounts/…``: what staff do outside the admin site."""

from __future__ import annotations

from django.urls import path

from allegro.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.ask, name="sign-in"),
    path("sign-in/link/", views.follow, name="link"),
]
