"""Pictures of every page of the dashboard, for docs/pages.md and the README.

    python bench/pictures.py                                      all of them, anew; two minutes
    python bench/pictures.py --page job --to /tmp/looks --kind png          one page, elsewhere
    python bench/pictures.py --width 1920 --language he --to /tmp/looks     other eyes: also --forced-colours, --no-script

Brings servers of its own with a day of a lively product in them (``picture_scene.py``), serves the pages as
``manage.py dev`` does, and looks at each with Chromium.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from pages import site, web_server  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
WIDTHS = {1280: 900, 360: 740}
"""The widths that are kept, and how high the window is then."""

THEMES = ("light", "dark")
LONGEST = 1_500
"""Pixels of a page that are shown; what a list has below them adds only weight."""

QUALITY = 70
"""Of the lossy form: below it, small text gets a halo."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene that is alive."""

    cookie: str
    pages: dict[str, str]
    """Address by name."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--to", type=Path, default=FOLDER, help="folder for the pictures")
    asked.add_argument("--page", action="append", help="only this page (can be given again)")
    asked.add_argument("--width", type=int, action="append", help="only this width (can be given again)")
    asked.add_argument("--theme", choices=THEMES, help="only this theme")
    asked.add_argument("--kind", choices=("webp", "png"), default="webp")
    asked.add_argument("--language", default="en")
    asked.add_argument("--forced-colours", action="store_true")
    asked.add_argument("--no-script", action="store_true")
    given = asked.parse_args()
    # So that what was started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    given.to.mkdir(parents=True, exist_ok=True)
    with site("sqlite") as environment:
        lively = {
            **environment,
            "APP_VERSION": "4f2c91a",
            "ALERT_EMAILS": "ops@alley.com",
            "SITE_URL": f"http://127.0.0.1:{environment['PORT']}",
        }
        with scene(lively) as shown, web_server(lively):
            take(shown, f"http://127.0.0.1:{environment['PORT']}", given)


@contextmanager
def scene(environment: dict[str, str]) -> Iterator[Scene]:
    """The scene, whose processes beat until the end: what they say of themselves lives for seconds."""
    command = [sys.executable, ROOT / "bench" / "picture_scene.py"]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        told = process.stdout.readline()
        if not told:
            sys.exit("The scene could not be made.")
        yield Scene(**json.loads(told))
        # The end of its input is its sign to leave.
        process.stdin.close()


def take(shown: Scene, site_url: str, given: argparse.Namespace) -> None:
    """Each page in each width and theme, into files named after them."""
    from tests.support.browser import chromium_path, running_browser

    path = chromium_path()
    if path is None:
        sys.exit("Chromium is needed; on Debian: apt-get install chromium")
    name, _, value = shown.cookie.partition("=")
    with running_browser(path) as browser:
        for width in given.width or WIDTHS:
            for theme in [given.theme] if given.theme else THEMES:
                context = browser.new_context(
                    viewport={"width": width, "height": WIDTHS.get(width, 1080)},
                    color_scheme=theme,
                    locale=given.language,
                    forced_colors="active" if given.forced_colours else "none",
                    java_script_enabled=not given.no_script,
                )
                context.add_cookies([{"name": name, "value": value, "url": site_url}])
                page = context.new_page()
                session = context.new_cdp_session(page)
                for each in given.page or shown.pages:
                    page.goto(site_url + shown.pages[each])
                    page.locator(".hz-main").wait_for()
                    wide = page.evaluate("document.documentElement.scrollWidth")
                    if wide > width:
                        print(f"{each} is {wide} px wide in a window of {width}.", file=sys.stderr)
                    height = page.evaluate("document.documentElement.scrollHeight")
                    # Playwright itself writes no WebP, which is a fifth of a PNG.
                    area = {"x": 0, "y": 0, "width": width, "height": min(height, LONGEST), "scale": 1}
                    asked = {"format": given.kind, "clip": area, "captureBeyondViewport": True}
                    if given.kind == "webp":
                        asked["quality"] = QUALITY
                    picture = session.send("Page.captureScreenshot", asked)["data"]
                    (given.to / f"{each}-{width}-{theme}.{given.kind}").write_bytes(base64.b64decode(picture))
                context.close()


if __name__ == "__main__":
    main()
