"""The API's document as it is shipped, which a test holds against the code: making it anew takes a while."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import allegro_queue

FILE = Path(allegro_queue.__file__).parent / "api" / "openapi.json"
PATHS: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["paths"]
