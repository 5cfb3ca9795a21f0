"""Amazon SES by its SMTP interface: where it is, and the password that belongs to an access key. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")

PORT = 587

VERSION = bytes([4])
STEPS = ("11111111", "{region}", "ses", "aws4_request", "SendRawEmail")
"""What Amazon documents to sign in turn, each with the signature before it; the date is a fixed one."""


def host_of(region: str) -> str:
    """The SMTP server of a region."""
    return f"email-smtp.{region}.amazonaws.com"


def password_of(secret_key: str, region: str) -> str:
    """The SMTP password of an access key: another one in each region, and the key cannot be read off it."""
    signature = f"AWS4{secret_key}".encode()
    for step in STEPS:
        signature = hmac.digest(signature, step.format(region=region).encode(), hashlib.sha256)
    return base64.b64encode(VERSION + signature).decode("ascii")
