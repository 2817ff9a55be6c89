#!/usr/bin/env python3
"""The page's Content-Security-Policy names its style and its script by hash.

Run after a change of the page, this renews the hashes in it.
"""
import base64
import hashlib
import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[2] / "Sources/dog-host/Demo/page.html"


def renewed(text):
    for tag in ("style", "script"):
        body = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        text = re.sub(f"{tag}-src 'sha256-[^']*'", lambda _: f"{tag}-src 'sha256-{digest}'", text, count=1)
    return text


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))
