from __future__ import annotations

import subprocess
import sys

ASK = """
import gc, sys
import allegro.{way_in}
print(gc.get_freeze_count(), "allegro_queue.dashboard.jobs.views" in sys.modules)
"""


def test_a_web_process_has_its_views_loaded_and_out_of_the_garbage_collector_s_way() -> None:
    for way_in in ("wsgi", "asgi"):
        command = [sys.executable, "-c", ASK.format(way_in=way_in)]

        done = subprocess.run(command, capture_output=True, text=True, check=True)

        frozen, are_loaded = done.stdout.split()
        assert int(frozen) > 50_000
        assert are_loaded == "True"
