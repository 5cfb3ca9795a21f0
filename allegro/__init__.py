import sys

# httpx loads its command line where click is installed, and with it rich and pygments: 4 MiB in each process, for nothing.
# The name set to None has that import fail, which httpx expects.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
