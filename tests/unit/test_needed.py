from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.needed import needed


def test_what_is_there_is_given(tmp_path: Path):
    assert needed(tmp_path, "Chromium", "chromium") == tmp_path


def test_without_it_a_developers_test_is_skipped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"Chromium is not installed \(apt-get install chromium\)"):
        needed(None, "Chromium", "chromium")


def test_without_it_a_test_fails_in_ci(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="Chromium is not installed"):
        needed(None, "Chromium", "chromium")
