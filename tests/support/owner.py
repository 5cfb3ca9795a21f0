"""A process that starts the development server and holds it until it is told to end (or is killed)."""

from __future__ import annotations

import sys
from pathlib import Path

from allegro.dev.redis_server import RedisServer
from allegro.dev.valkey import server_binary

if __name__ == "__main__":
    server = RedisServer(Path(sys.argv[1]), server_binary())
    server.start()
    print("shared" if server.shared else "own", flush=True)
    sys.stdin.read()
    server.stop()
    print("stopped", flush=True)
