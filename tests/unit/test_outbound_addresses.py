from __future__ import annotations

import pytest

from allegro.outbound import OutboundError, is_public, parse_url


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_an_address_of_the_public_internet_is_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "2001:db8::1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "fec0::1",
        "5f00::1",
        "not an address",
    ],
)
def test_a_private_address_is_not_public_in_any_notation(address: str):
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("gopher://example.com/", "must begin with https"),
        ("file:///etc/passwd", "must begin with https"),
        ("https:///path", "must begin with https"),
        ("example.com", "must begin with https"),
        ("https://user@example.com/", "user name"),
        ("https://example.com:99999999/", "malformed"),
        ("https://example.com/\r\nX: y", "malformed"),
        ("https://xn--/", "malformed"),
    ],
)
def test_a_url_that_is_no_plain_web_address_is_refused(url: str, reason: str):
    with pytest.raises(OutboundError, match=reason):
        parse_url(url)
