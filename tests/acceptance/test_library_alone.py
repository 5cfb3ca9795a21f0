"""The library in a project that is not Allegro, with nothing of Allegro on its path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import allegro_queue

SETTINGS = """
SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.staticfiles", "allegro_queue", "django_rq",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]}}]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "static/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
RQ_QUEUES = {"default": {"URL": REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer"}}
RQ = {
    "JOB_CLASS": "allegro_queue.jobs.HorizonJob",
    "WORKER_CLASS": "allegro_queue.workers.worker.HorizonWorker",
    "SCHEDULER_CLASS": "allegro_queue.scheduling.scheduler.HorizonScheduler",
}
RQ_SHOW_ADMIN_LINK = False
HORIZON = {
    "gate": "allegro_queue.access.staff_with_permission",
    "prefix": "shop:",
    "defaults": {"workers": {"queue": ["default"]}},
}
"""

URLS = """
from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("horizon/", include("allegro_queue.dashboard.urls"))]
"""

JOBS = """
def greet(path, name):
    with open(path, "a") as file:
        file.write(name)
"""

VISIT = """
import django
django.setup()
from django.contrib.auth.models import Permission, User
from django.test import Client

staff = User.objects.create_user("ada", password="x", is_staff=True)
client = Client()
client.force_login(staff)
print(client.get("/horizon/").status_code)
staff.user_permissions.add(Permission.objects.get(codename="view_horizon"))
print(*(client.get(f"/horizon/{page}").status_code for page in ("", "jobs/", "workers/", "schedule/", "metrics/")))
"""

DISPATCH = """
import sys
import django
django.setup()
from allegro_queue.dispatch import dispatch
from shop.jobs import greet
dispatch(greet, sys.argv[1], "Ada")
"""


@pytest.fixture
def shop(tmp_path: Path, redis: object) -> Path:
    """A project of its own: a folder, the library on its path, and nothing else of this checkout."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    head = f"from pathlib import Path\nFOLDER = Path({str(tmp_path)!r})\nREDIS_URL = {os.environ['REDIS_URL']!r}\n"
    (tmp_path / "shop" / "settings.py").write_text(head + SETTINGS)
    (tmp_path / "shop" / "urls.py").write_text(URLS)
    (tmp_path / "shop" / "jobs.py").write_text(JOBS)
    (tmp_path / "allegro_queue").symlink_to(Path(allegro_queue.__file__).parent)
    return tmp_path


def run(shop: Path, *arguments: str) -> str:
    """Python in that project; what it printed."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=shop,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(shop), "DJANGO_SETTINGS_MODULE": "shop.settings"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_library_runs_jobs_and_shows_its_pages_in_another_project(shop: Path):
    assert "no issues" in run(shop, "-m", "django", "check", "--fail-level", "WARNING")
    run(shop, "-m", "django", "migrate", "--verbosity", "0")

    run(shop, "-c", DISPATCH, str(shop / "greeted"))
    run(shop, "-m", "django", "rqworker", "--burst")
    assert (shop / "greeted").read_text() == "Ada"

    assert run(shop, "-c", VISIT).splitlines() == ["403", "200 200 200 200 200"]
