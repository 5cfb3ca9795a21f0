"""What a command does before its work."""

from __future__ import annotations

import os
import subprocess
import sys

from redis import Redis

from tests.support.running import MANAGE, manage

PAGES = ("allegro.urls", "allegro_queue.dashboard.urls", "allegro_queue.api.routes")
ASKED = f"""
import runpy, sys
sys.argv = ["manage.py", "horizon_list"]
runpy.run_path("manage.py", run_name="__main__")
print(*({{*sys.modules}} & {{*{PAGES}}}))
"""


def test_a_command_over_redis_loads_no_page(redis: Redis):
    done = subprocess.run(
        [sys.executable, "-c", ASKED], cwd=MANAGE.parent, env=os.environ, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ""


def test_a_fault_of_the_environment_keeps_it_from_its_work(redis: Redis):
    done = manage("horizon_list", LOG_LEVEL="INFOO")

    assert done.returncode == 1
    assert "LOG_LEVEL is 'INFOO'; did you mean 'INFO'?" in done.stderr
