"""``/accounts/…``: what staff do outside the admin site."""

from __future__ import annotations

from django.urls import path

from allegro.accounts import views

app_name = "accounts"
urlpatterns = [
    path("verify/<str:token>/", views.verify, name="verify"),
]
