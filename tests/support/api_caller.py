"""A program that calls the API."""

from __future__ import annotations

from typing import Any

from django.test import Client

API = "/horizon/api/v1/"


class Caller:
    """A program with a token."""

    def __init__(self, text: str) -> None:
        self._client = Client(headers={"Authorization": f"Bearer {text}"}, enforce_csrf_checks=True)

    def get(self, path: str, query: Any = None, **headers: str) -> Any:
        return self._client.get(API + path, query or {}, headers=headers)

    def post(self, path: str, body: Any = None) -> Any:
        given = {} if body is None else {"data": body, "content_type": "application/json"}
        return self._client.post(API + path, **given)

    def delete(self, path: str) -> Any:
        return self._client.delete(API + path)
