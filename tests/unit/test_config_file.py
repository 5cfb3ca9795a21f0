from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from allegro_queue.conf import HorizonSettings, parse_settings
from allegro_queue.config_file import config_file, option_keys, setting_keys
from allegro_queue.plan import build_plan
from allegro_queue.supervisor_options import OPTION_NAMES, SupervisorOptions


def published(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "horizon_config.py", "exec"), names)
    found: dict[str, Any] = names["HORIZON"]
    return found


def test_the_file_holds_every_key_with_its_default():
    horizon = published(config_file("horizon_config"))

    settings, problems = parse_settings(horizon)
    assert problems == []
    assert set(horizon) == {each.name for each in fields(HorizonSettings)}
    assert set(horizon["defaults"]["supervisor-1"]) == OPTION_NAMES
    (supervisor,) = build_plan(settings, ["default"]).supervisors
    assert supervisor == SupervisorOptions(name="supervisor-1")


@pytest.mark.parametrize("key", [*setting_keys(), *option_keys()], ids=lambda key: key.name)
def test_every_key_has_its_meaning_above_it(key):
    lines = config_file("horizon_config").splitlines()

    place = next(index for index, line in enumerate(lines) if line.strip().startswith(f'"{key.name}":'))

    assert key.meaning
    assert lines[place - 1].strip().startswith("# ")


def test_the_file_is_formatted(tmp_path):
    file = tmp_path / "horizon_config.py"
    file.write_text(config_file("horizon_config"))

    subprocess.run([sys.executable, "-m", "ruff", "format", "--check", "--line-length", "120", file], check=True)


def test_the_command_writes_the_file_and_says_how_to_use_it(tmp_path, capsys):
    file = tmp_path / "queue_settings.py"

    call_command("horizon_publish", str(file))

    assert published(file.read_text())
    assert "from queue_settings import HORIZON" in capsys.readouterr().out


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path):
    file = tmp_path / "horizon_config.py"
    file.write_text("mine")

    with pytest.raises(CommandError, match="is there already; it was kept"):
        call_command("horizon_publish", str(file))
    assert file.read_text() == "mine"

    call_command("horizon_publish", str(file), "--force")
    assert "HORIZON" in file.read_text()


@pytest.mark.parametrize("name", ["horizon.txt", "horizon-config.py"])
def test_a_name_that_python_cannot_import_is_refused(tmp_path, name):
    with pytest.raises(CommandError, match="cannot be imported"):
        call_command("horizon_publish", str(tmp_path / name))

    assert not list(Path(tmp_path).iterdir())
