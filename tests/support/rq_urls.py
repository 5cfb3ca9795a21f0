"""Addresses of the project with django-rq's own pages beside them."""

from __future__ import annotations

from django.urls import include, path

from allegro.urls import urlpatterns as projects

urlpatterns = [path("django-rq/", include("django_rq.urls")), *projects]
