from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from runpy import run_path

import pytest

from tests.support.running import manage_in

ROOT = Path(__file__).resolve().parent.parent.parent
GOOD = {
    "APP_ENV": "staging",
    "SECRET_KEY": "only-for-tests-" * 5,
    "SITE_URL": "https://allegro.example.com",
    "ALLOWED_HOSTS": "allegro.example.com",
    "REDIS_HOST": "redis.example.com",
    "DATABASE_URL": "sqlite://:memory:",
    "EMAIL_URL": "smtp+tls://user:s3cret@mail.example.com:587",
}


def check(**changes: str) -> subprocess.CompletedProcess[str]:
    """``manage.py check`` in an environment that is right but for the changes."""
    return manage_in({"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **GOOD, **changes}, "check")


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, ...]]:
    """What the settings find wrong with an environment that is right but for some changes."""

    def read(**changes: str) -> tuple[str, ...]:
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in {"ENV_FILE": os.devnull, **GOOD, **changes}.items():
            monkeypatch.setenv(name, value)
        found: tuple[str, ...] = run_path(str(ROOT / "allegro" / "settings.py"))["ENVIRONMENT_PROBLEMS"]
        return found

    return read


BAD = [
    ("APP_ENV", "producton", "APP_ENV is 'producton'; did you mean 'production'?"),
    ("APP_ENV", "moon", "APP_ENV is 'moon'; it must be one of local, staging, production."),
    ("DEBUG", "perhaps", "DEBUG is 'perhaps'; it must be true or false."),
    ("PORT", "http", "PORT is 'http'; it must be a whole number, such as 8000."),
    ("LOG_LEVEL", "INFOO", "LOG_LEVEL is 'INFOO'; did you mean 'INFO'?"),
    ("SECRET_KEY", "", "SECRET_KEY is missing; set it to a long random text"),
    ("SITE_URL", "", "SITE_URL is missing; set it to the address of this site"),
    ("DATABASE_URL", "nonsense", "DATABASE_URL is not a database URL"),
    ("EMAIL_URL", "carrier-pigeon://s3cret", "EMAIL_URL is not a mail URL"),
    ("MAGIC_LINK_MINUTES", "0", "MAGIC_LINK_MINUTES is 0; it must be 1 or more."),
    ("REDIS_HOST", "", "REDIS_HOST is missing; set it (or REDIS_URL)"),
    ("REDIS_PORT", "6379a", "REDIS_PORT is '6379a'; it must be a whole number, such as 6379."),
    ("REDIS_DB", "one", "REDIS_DB is 'one'; it must be a whole number, such as 0."),
    ("REDIS_URL", "http://:s3cret@host", "REDIS_URL must start with redis://, rediss:// or unix://."),
    ("REDIS_SENTINELS", "sentinel-1", "REDIS_SENTINELS has 'sentinel-1'; each must be host:port."),
    ("REDIS_SENTINELS", "sentinel-1:26379", "REDIS_MASTER_NAME is missing"),
]


TOGETHER: list[dict[str, str]] = [
    # With a bad REDIS_URL neither host nor port nor database is looked at, and sentinels stand in for a host.
    {name: value for name, value, _ in reversed(BAD) if name not in ("REDIS_URL", "REDIS_HOST", "REDIS_SENTINELS")},
    {"APP_ENV": "moon", "REDIS_URL": "http://:s3cret@host"},
    {"REDIS_SENTINELS": "sentinel-1", "DATABASE_URL": "nonsense"},
]


@pytest.mark.parametrize(("name", "value", "message"), BAD)
def test_a_bad_value_is_a_fault_that_says_what_would_be_right(faults, name, value, message):
    found = faults(**{name: value})

    assert [each for each in found if message in each], found
    assert "s3cret" not in str(found)


@pytest.mark.parametrize("bad", TOGETHER)
def test_all_bad_values_are_errors_of_the_check_at_once(bad):
    done = check(**bad)

    assert done.returncode == 1
    for message in (message for name, value, message in BAD if bad.get(name) == value):
        assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr


def test_a_good_environment_has_no_fault():
    done = check()

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_what_does_not_say_where_it_runs_runs_in_production(faults):
    (fault,) = faults(APP_ENV="", SECRET_KEY="")

    assert "SECRET_KEY is missing" in fault


def test_another_queue_connection_is_a_warning_that_says_what_happens():
    done = check(QUEUE_CONNECTION="sync")

    assert done.returncode == 0
    assert "horizon.W001" in done.stderr
    assert "QUEUE_CONNECTION is 'sync', so Horizon starts no worker and jobs pile up unprocessed." in done.stderr


def test_local_needs_no_variable_at_all():
    done = check(**{**dict.fromkeys(GOOD, ""), "APP_ENV": "local"})

    assert done.returncode == 0, done.stderr


def test_the_example_is_a_good_environment():
    done = manage_in({"PATH": os.environ["PATH"], "ENV_FILE": ".env.example"}, "check")

    assert done.returncode == 0, done.stderr
