"""What only a server with many connections can show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.postgres import a_postgres_server
from tests.support.running import MANAGE, manage


def test_of_many_processes_at_once_five_find_a_place_for_an_endpoint_on_postgresql(postgres_programs: Path):
    with a_postgres_server(postgres_programs, tables=True) as url:
        made = manage(
            "shell",
            "--command",
            "from allegro.organizations.models import Organization; Organization.objects.create(slug='x', name='X')",
            DATABASE_URL=url,
        )
        assert made.returncode == 0, made.stderr
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.support.make_endpoint"],
                env={**os.environ, "DATABASE_URL": url},
                cwd=MANAGE.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(8)
        ]
        try:
            for each in processes:
                assert each.stdout is not None
                assert each.stdout.readline() == "ready\n"
            said = [each.communicate(timeout=30)[0].strip() for each in release(processes)]
        finally:
            for each in processes:
                each.kill()
                each.wait()

    assert sorted(said) == ["made"] * 5 + ["refused"] * 3


def release(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """Tell all of them to go, before any is waited for."""
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    return processes
