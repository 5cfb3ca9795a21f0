from __future__ import annotations

import os

from allegro_queue.begun import Begun


def test_what_a_child_writes_can_be_read_when_it_is_dead():
    begun = Begun()
    assert (begun.execution_id, begun.deadline) == ("", 0.0)

    pid = os.fork()
    if pid == 0:
        begun.begin("a" * 32)
        begun.begin("b" * 20)
        begun.deadline = 12.5
        os._exit(0)
    os.waitpid(pid, 0)

    assert (begun.execution_id, begun.deadline) == ("b" * 20, 12.5)
