from __future__ import annotations

import pytest

from allegro.magic_links.links import safe_return_url
from allegro.organizations.models import Organization

NEWS = Organization(name="City News", slug="city-news", domain="news.example.com")


@pytest.mark.parametrize("url", ["/", "/stories/?page=2", "http://testserver/x", "http://news.example.com/x"])
def test_a_place_on_this_site_or_the_organizations_own_is_fine(url: str):
    assert safe_return_url(url, NEWS)


@pytest.mark.parametrize(
    "url",
    [
        "//evil.io",
        "///evil.io",
        "/\\evil.io",
        "\\\\evil.io",
        "https:evil.io",
        "http:///evil.io",
        "https://evil.io/",
        "http://testserver@evil.io/",
        "http://testserver.evil.io/",
        "\t//evil.io",
        "/\t/evil.io",
        "/\n/evil.io",
        "javascript:alert(1)",
        "data:text/html,x",
        "stories",
        "/" + "x" * 500,
    ],
)
def test_a_place_elsewhere_is_refused(url: str):
    assert not safe_return_url(url, NEWS)
