"""The environment, read once, through django-environ. The only reader of environment variables in the project.

A fault never stops the reading: all are collected, shown together by ``manage.py check``, and keep every server and
worker from starting.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import environ

ROOT = Path(__file__).resolve().parent.parent

ENVIRONMENTS = ("local", "staging", "production")
LOG_FORMATS = ("line", "json")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Environment:
    """Typed readers for variables, and the list of what was wrong with them."""

    def __init__(self, env: environ.Env) -> None:
        self._env = env
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """The variable as text, without white space at its ends. Set to nothing is as good as not set."""
        return str(self._env.str(name, default="")).strip() or default

    def whole(self, name: str, default: int) -> int:
        """The variable as a whole number."""
        given = self.text(name)
        if not given:
            return default
        try:
            return int(given)
        except ValueError:
            self.problems.append(f"{name} is {given!r}; it must be a whole number, such as {default}.")
            return default

    def switch(self, name: str, default: bool) -> bool:
        """The variable as yes or no."""
        given = self.text(name).lower()
        if not given:
            return default
        if given in ("1", "true", "yes", "on"):
            return True
        if given in ("0", "false", "no", "off"):
            return False
        self.problems.append(f"{name} is {given!r}; it must be true or false.")
        return default

    def words(self, name: str, default: str) -> list[str]:
        """The variable as a comma-separated list."""
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def seconds(self, name: str, default: str) -> list[int]:
        """The variable as a comma-separated list of whole seconds."""
        given = self.words(name, default)
        if all(each.isascii() and each.isdigit() and 0 < int(each) <= 7 * 24 * 3600 for each in given):
            return [int(each) for each in given]
        self.problems.append(
            f"{name} is {','.join(given)!r}; it must be whole seconds from 1 to a week, such as {default}."
        )
        return [int(each) for each in default.split(",")]

    def choice(self, name: str, options: tuple[str, ...], default: str) -> str:
        """The variable as one of a few words."""
        given = self.text(name, default)
        if given in options:
            return given
        near = difflib.get_close_matches(given, options, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it must be one of {', '.join(options)}."
        self.problems.append(f"{name} is {given!r}; {hint}")
        return default

    def database(self, name: str, default: str) -> dict[str, Any]:
        """A database URL as Django's dict."""
        fault = f"{name} is not a database URL, such as postgres://user:password@host/name."
        return self._parsed(name, default, environ.Env.db_url_config, "ENGINE", fault)

    def email(self, name: str, default: str) -> dict[str, Any]:
        """A mail URL as Django's settings."""
        fault = f"{name} is not a mail URL, such as smtp+tls://user:password@host:587."
        return self._parsed(name, default, environ.Env.email_url_config, "EMAIL_BACKEND", fault)

    def _parsed(
        self, name: str, default: str, parse: Callable[[str], Mapping[str, Any]], needed: str, fault: str
    ) -> dict[str, Any]:
        """A URL taken apart; without what is needed it was none, and the default takes its place."""
        try:
            with warnings.catch_warnings():
                # What is not recognised is reported with the other faults.
                warnings.simplefilter("ignore")
                parts = dict(parse(self.text(name, default)))
        except Exception:  # noqa: BLE001 - the parser raises many kinds, and its message may hold the password
            parts = {}
        if not parts.get(needed):
            self.problems.append(fault)
            return dict(parse(default))
        return parts


def read_environment() -> Environment:
    """The environment with ``.env`` (or the file that ``ENV_FILE`` names) under it: what is exported wins."""
    env = environ.Env()
    file = ROOT / env.str("ENV_FILE", default=".env")
    if file.is_file():
        environ.Env.read_env(str(file))
    return Environment(env)
