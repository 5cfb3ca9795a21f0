from __future__ import annotations

import pytest
from django.utils import timezone

from allegro.accounts.models import User
from allegro.accounts.super_admins import staff_domain_of, why_not_super_admin

NOW = timezone.now()


def someone(email: str = "sam@alley.com", *, verified: bool = True, **fields: bool) -> User:
    user = User(email=email, **{"is_staff": True, "is_active": True, **fields})
    if verified:
        user.verify_email(NOW)
    return user


@pytest.mark.parametrize("email", ["sam@alley.com", "SAM@ALLEY.COM", "sam.o'hara+news@Alley.Com", "a@alley.com"])
def test_a_verified_staff_address_of_the_domain_passes(email: str):
    assert why_not_super_admin(someone(email)) == ""


@pytest.mark.parametrize(
    "email",
    [
        "sam@sub.alley.com",
        "sam@evil-alley.com",
        "sam@alley.com.evil.io",
        "sam@alley.com.",
        "sam@.alley.com",
        "sam@alley.co",
        "sam@alleyxcom",
        '"a b"@alley.com',
        '"a@evil.io"@alley.com',
        "sam%evil.io@alley.com",
        "sam@evil.io@alley.com",
        "sam@alley.com@evil.io",
        "sam@аlley.com",  # Cyrillic а
        "sаm@alley.com",  # the same before the @
        "sam@ａlley.com",  # full width
        "sam@alley。com",  # ideographic full stop
        "ſam@alley.com",  # long s, which upper-cases to S
        "sam@alley.com\n",
        "\nsam@alley.com",
        "sam@alley.com ",
        "sam@ alley.com",
        "sam@alley.com\0",
        "sam@alley.com\u200b",
        "@alley.com",
        "alley.com",
        "sam(a)@alley.com",
        "<sam@alley.com>",
        "sam@evil.io,sam@alley.com",
        "sam@[alley.com]",
        "",
    ],
)
def test_a_look_alike_of_a_staff_address_is_refused(email: str):
    assert staff_domain_of(email, ["alley.com"]) is None
    assert why_not_super_admin(someone(email))


def test_each_condition_that_fails_is_named():
    assert why_not_super_admin(someone(verified=False)) == "Your e-mail address is not verified."
    assert why_not_super_admin(someone(is_active=False)) == "Your account is not active."
    assert why_not_super_admin(someone(is_staff=False)) == "Your account is not a staff account."
    assert why_not_super_admin(someone("sam@example.com")) == "Your e-mail address is not in a staff domain."


def test_being_a_superuser_of_django_is_not_enough():
    assert why_not_super_admin(someone("sam@example.com", is_superuser=True))


def test_changing_the_address_drops_the_verification_however_it_is_changed():
    user = someone("sam@example.com")

    user.email = "sam@alley.com"

    assert not user.is_email_verified
    assert why_not_super_admin(user)
