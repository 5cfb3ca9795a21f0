from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from allegro.audience.addresses import clean_address


def test_an_address_is_stored_in_lower_case_without_blanks_around_it():
    assert clean_address("  Ada.L+news@Example.COM ") == "ada.l+news@example.com"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@@example.com",
        "ada@example.com,bob@example.com",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: bob@example.com",
        "ada@example.com\0",
        "ada @example.com",
        '"ada b"@example.com',
        "ada@[127.0.0.1]",
        "adа@example.com",  # Cyrillic а
        "ada@ex\u212aample.com",  # Kelvin sign, which lower-cases to k
        "a" * 250 + "@example.com",
    ],
)
def test_what_is_not_one_plain_address_is_refused(given: str):
    with pytest.raises(ValidationError, match="That is not an e-mail address"):
        clean_address(given)
