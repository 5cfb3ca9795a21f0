from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from allegro.sealing import CannotOpen, key_from, key_problems, reseal, seal, unseal

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_is_sealed_is_opened_again_and_cannot_be_read_meanwhile(settings: Any):
    settings.CREDENTIAL_KEYS = [OLD]

    sealed = seal("s3cret")

    assert "s3cret" not in sealed
    assert seal("s3cret") != sealed
    assert unseal(sealed) == "s3cret"


def test_nothing_stays_nothing(settings: Any):
    settings.CREDENTIAL_KEYS = [OLD]

    assert (seal(""), unseal(""), reseal("")) == ("", "", "")


def test_a_new_key_in_front_opens_the_old_seals_and_takes_over(settings: Any):
    settings.CREDENTIAL_KEYS = [OLD]
    sealed = seal("s3cret")
    settings.CREDENTIAL_KEYS = [NEW, OLD]
    assert unseal(sealed) == "s3cret"
    resealed = reseal(sealed)

    settings.CREDENTIAL_KEYS = [NEW]

    assert unseal(resealed) == "s3cret"
    with pytest.raises(CannotOpen, match="Put that key back"):
        unseal(sealed)


def test_a_seal_that_was_changed_does_not_open(settings: Any):
    settings.CREDENTIAL_KEYS = [OLD]
    sealed = seal("s3cret")

    with pytest.raises(CannotOpen):
        unseal(sealed[:-4] + "AAA=")
    with pytest.raises(CannotOpen):
        reseal("not a seal")


def test_a_key_that_is_none_is_named_by_its_place_and_not_repeated():
    assert key_problems([OLD, NEW]) == []

    (problem,) = key_problems([OLD, "tooshort"])

    assert "key 2 is not a Fernet key" in problem
    assert "tooshort" not in problem


def test_an_installation_without_keys_has_one_of_its_own():
    assert key_problems([key_from("a secret")]) == []
    assert key_from("a secret") == key_from("a secret") != key_from("another")
