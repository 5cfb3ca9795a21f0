from __future__ import annotations

from allegro_queue.tenancy import acting_for, current_tenant


def test_code_acts_for_a_tenant_until_the_block_ends():
    with acting_for("7"):
        assert current_tenant() == "7"
        with acting_for("8"):
            assert current_tenant() == "8"
        assert current_tenant() == "7"

    assert current_tenant() == ""
