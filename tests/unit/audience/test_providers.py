from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from allegro.audience.json_profiles import JsonProfileProvider
from allegro.audience.models import ProviderAccount
from allegro.audience.providers import (
    AbstractSyncProvider,
    InvalidProvider,
    UnknownProvider,
    provider_for,
    register,
    registered,
)


def test_registering_a_provider_twice_changes_nothing():
    register(JsonProfileProvider)

    assert registered().count("json-profile") == 1


def test_two_providers_of_one_name_are_refused():
    class Impostor(JsonProfileProvider):
        name = "json-profile"

    with pytest.raises(ValueError, match=r"Two providers are named 'json-profile'.*rename one"):
        register(Impostor)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({}, "its name is None; it must be words in lower case.*it has no method sync"),
        ({"name": "Donors"}, "its name is 'Donors'"),
        ({"name": "a" * 51}, "at most 50 characters"),
        (
            {"name": "donors", "refresh_interval": None},
            r"it has no method refresh_interval\(\); it has no method sync\(\)",
        ),
    ],
)
def test_what_is_no_provider_is_refused_at_start_with_all_that_it_lacks(fields: dict[str, object], faults: str):
    with pytest.raises(InvalidProvider, match=faults):
        register(type("Donors", (AbstractSyncProvider,), fields))

    assert "donors" not in registered()


def test_an_unknown_provider_is_named_with_the_nearest_known_one():
    with pytest.raises(UnknownProvider, match="provider 'json-profle'; did you mean 'json-profile'"):
        provider_for(ProviderAccount(provider="json-profle"))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://crm.example/members", "must hold {email}"),
        ("ftp://crm.example/{email}", "must begin with https://"),
        ("https://{email}/x", "not in the host|malformed"),
        ("https://user:pass@crm.example/{email}", "user name or password"),
    ],
)
def test_a_url_that_makes_no_sense_is_refused(url: str, reason: str):
    with pytest.raises(ValidationError, match=reason):
        JsonProfileProvider(ProviderAccount(url=url)).check_account()


def test_a_plain_http_url_is_for_the_local_environment_alone(settings):
    provider = JsonProfileProvider(ProviderAccount(url="http://crm.example/{email}"))
    provider.check_account()

    settings.IS_LOCAL = False

    with pytest.raises(ValidationError, match="must begin with https://"):
        provider.check_account()


def test_an_address_is_put_into_the_url_so_that_it_cannot_leave_its_place():
    provider = JsonProfileProvider(ProviderAccount(url="https://crm.example/m/{email}?full=1"))

    assert provider.address_for("a/../b?c#d&e@example.com") == (
        "https://crm.example/m/a%2F..%2Fb%3Fc%23d%26e%40example.com?full=1"
    )
