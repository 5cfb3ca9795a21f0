"""Sending a word to one supervisor, on every host that runs it: what pausing and continuing have in common."""

from __future__ import annotations

from django.core.management.base import CommandError

from allegro_queue.errors import did_you_mean
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction


def instruct(stores: Stores, instruction: Instruction) -> list[str]:
    """Leave the word with every living master that has the supervisor, and see to it that one that starts later knows
    of it too; the masters' names.

    Raises:
        CommandError: no living master has it.
    """
    masters = stores.masters.living()
    if not masters:
        raise CommandError("No Horizon process is running. Start one: manage.py horizon")
    told = [
        master.name for master in masters if any(each.name == instruction.supervisor for each in master.supervisors)
    ]
    if not told:
        known = {each.name for master in masters for each in master.supervisors}
        raise CommandError(
            f"No living Horizon process has a supervisor {instruction.supervisor!r}"
            f"{did_you_mean(instruction.supervisor, known)}"
        )
    if instruction.control is Control.PAUSE:
        stores.controls.keep(instruction)
    else:
        stores.controls.drop(instruction.supervisor)
    for name in told:
        stores.controls.instruct(name, instruction)
    return told
