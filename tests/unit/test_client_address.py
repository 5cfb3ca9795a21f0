from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from allegro.client_address import client_address, network_of


def asked_from(address: str, forwarded: str = "") -> Any:
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    return RequestFactory().get("/", REMOTE_ADDR=address, headers=headers)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        (0, "", "10.0.0.1"),
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        (2, "203.0.113.9, , 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        (3, "198.51.100.7", "198.51.100.7"),
    ],
)
def test_the_client_is_whom_the_outermost_of_our_proxies_saw(settings: Any, proxies: int, forwarded: str, client: str):
    settings.TRUSTED_PROXIES = proxies

    assert client_address(asked_from("10.0.0.1", forwarded)) == client


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("unix:", "not an address", True),
    ],
)
def test_a_network_is_one_address_or_one_household_of_ipv6(settings: Any, one: str, other: str, same: bool):
    settings.TRUSTED_PROXIES = 0

    found, compared = network_of(asked_from(one)), network_of(asked_from(other))

    assert (found == compared) is same
    assert one not in found
