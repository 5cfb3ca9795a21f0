"""What only a server with many connections can show."""

from __future__ import annotations

from pathlib import Path

from tests.support.postgres import a_postgres_server
from tests.support.race import race
from tests.support.running import manage


def test_of_many_processes_at_once_five_find_a_place_for_an_endpoint_on_postgresql(
    postgres_programs: Path, tmp_path: Path
):
    with a_postgres_server(postgres_programs, tables=True) as url:
        made = manage(
            "shell",
            "--command",
            "from allegro.organizations.models import Organization; Organization.objects.create(slug='x', name='X')",
            DATABASE_URL=url,
        )
        assert made.returncode == 0, made.stderr

        said = race(tmp_path, ["from tests.support.make_endpoint import make; print(make())"] * 8, DATABASE_URL=url)

    assert sorted(said) == ["made"] * 5 + ["refused"] * 3
