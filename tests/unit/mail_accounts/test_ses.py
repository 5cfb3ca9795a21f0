from __future__ import annotations

import pytest

from allegro.mail_accounts.ses import REGION, host_of, password_of


@pytest.mark.parametrize(
    ("region", "secret_key", "password"),
    [
        # Figures that others publish for the same scheme: ours alone would prove that they do not change.
        ("eu-central-1", "some+secret+key", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"),
        ("us-west-1", "some+secret+key", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"),
        ("us-west-1", "another+secret+key", "BKVmjjMDFk/qqw8EROW99bjCS65PF8WKvK5bSr4Y6EqF"),
    ],
)
def test_an_access_key_has_one_password_in_each_region(region: str, secret_key: str, password: str):
    assert password_of(secret_key, region) == password


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "ap-southeast-2"])
def test_a_region_has_its_server(region: str):
    assert REGION.fullmatch(region)
    assert host_of(region) == f"email-smtp.{region}.amazonaws.com"


@pytest.mark.parametrize("region", ["", "eu", "evil.example/", "eu-central-1.evil", "eu-central-1\n", "EU-CENTRAL-1"])
def test_what_is_no_region_leads_to_no_server(region: str):
    assert not REGION.fullmatch(region)
