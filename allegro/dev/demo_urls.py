"""``/demo/…``: mounted in ``local`` alone."""

from __future__ import annotations

from django.urls import path

from allegro.dev import views

app_name = "demo"
urlpatterns = [
    path("receiver/", views.receiver, name="receiver"),
    path("crm/<str:email>", views.crm, name="crm"),
]
