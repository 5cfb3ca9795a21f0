from __future__ import annotations

import time

import pytest

from allegro_queue.dashboard.job.json_tree import argument_tree, keyword_tree, value_tree
from allegro_queue.masking import masked, rule_for_key


@pytest.mark.parametrize(
    "key",
    [
        "token", "allegro_token", "accessToken", "API_KEY", "apiKey", "apikey", "key", "password", "passwd",
        "user_password_hash", "secret", "clientSecret", "Authorization", "x-auth", "session_id", "cookie", "signature",
        "private_key", "pin", "otp", "credentials",
    ],
)  # fmt: skip
def test_what_goes_by_the_name_of_a_secret_is_hidden(key):
    assert rule_for_key(key) == "secret"
    assert "hunter2" not in keyword_tree({key: "hunter2"})
    assert "hunter2" not in keyword_tree({"outer": [{key: {"deep": ["hunter2"]}}]})
    assert "masked: secret" in keyword_tree({key: 12345})


@pytest.mark.parametrize("key", ["member_id", "monkey", "keyword", "organization", "list_id", "spinner", "author"])
def test_other_names_are_shown(key):
    assert rule_for_key(key) == ""
    assert "hunter2" in keyword_tree({key: "hunter2"})


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("mail to ada.lovelace+x@mail.example.co.uk failed", "ada.lovelace"),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "eyJzdWIiOiIxMjM0In0"),
        ("redis://:pa55word@cache:6379/0", "pa55word"),
        ("postgres://app:pa55word@db/app", "pa55word"),
        ("GET https://x.example/in?allegro_token=abc123&page=2", "abc123"),
        ("{'api_key': 's3cr3t', 'page': 2}", "s3cr3t"),
        ('{"password": "s3cr3t"}', "s3cr3t"),
    ],
)
def test_what_looks_like_a_secret_or_an_address_is_hidden_inside_a_text(text, hidden):
    assert hidden not in masked(text)
    assert hidden not in argument_tree([text])
    assert "masked: " in masked(text)


def test_the_rest_of_a_text_stays():
    assert masked("Mail to ada@example.com bounced: 550 at 12:01") == "Mail to [masked: e-mail] bounced: 550 at 12:01"
    assert masked("KeyError: 'token'") == "KeyError: 'token'"


def test_an_address_as_a_key_is_hidden_too():
    assert "ada" not in keyword_tree({"by_member": {"ada@example.com": 1}})


def test_values_are_shown_exactly():
    shown = keyword_tree({"big": 9007199254740993, "none": None, "yes": True, "part": 0.1, "empty": {}, "text": "é\n"})

    for expected in ("9007199254740993", "null", "true", "0.1", "{}", '"é\\n"'):
        assert f"</span> {expected}</li>" in shown


def test_hostile_payloads_stay_text_and_can_be_sent():
    shown = argument_tree(["<script>alert(1)</script>", {'"><img src=x onerror=alert(1)>': "\ud800\x00"}])

    assert "<script" not in shown
    assert "<img" not in shown
    shown.encode()


def test_a_payload_is_shown_within_bounds():
    deep: list[object] = []
    for _ in range(500):
        deep = [deep, 1]

    assert "nested too deep to show" in value_tree(deep)
    assert "and 900 more" in argument_tree(range(1000))
    assert len(value_tree("x" * 100_000)) < 3000


def test_masking_takes_no_time_on_text_made_to_be_slow():
    # The processor's time, since others may keep a machine busy; a pattern that goes back and forth would take minutes.
    begun = time.process_time()
    for text in ("a" * 20_000, "token" * 4_000, "@" * 20_000, "a." * 10_000, "://" * 6_000, "token = " * 2_500):
        masked(text)

    assert time.process_time() - begun < 5
