"""Which part of a path a route has matched, by the rule of the engine's RoutePattern: so that a request has `rest`."""

from __future__ import annotations

from typing import List, Optional, Tuple
from urllib.parse import unquote_to_bytes

NAME_BYTES_MAX = 256


class Routes:
    """The patterns of an engine, in their order."""

    def __init__(self) -> None:
        self._patterns: List[Tuple[str, ...]] = []

    def add(self, pattern: str) -> None:
        """Adds a pattern that the engine has accepted."""
        trimmed = pattern[1:-1] if pattern.endswith("/") else pattern[1:]
        self._patterns.append(tuple(trimmed.split("/")) if trimmed else ())

    def rest_of(self, path: str) -> str:
        """What is behind the segments of the first pattern that matches; all of it if none does."""
        segments = path.split("/")[1:]
        for pattern in self._patterns:
            if _matches(pattern, segments):
                rest = segments[len(pattern) :]
                return "/" + "/".join(rest) if rest else ""
        return path


def _matches(pattern: Tuple[str, ...], segments: List[str]) -> bool:
    if len(pattern) > len(segments):
        return False
    return all(
        _is_name(segment) if part.startswith(":") else part == segment for part, segment in zip(pattern, segments)
    )


def _is_name(segment: str) -> bool:
    """Whether it names a Gateway: decoded once, 1 to 256 bytes of UTF-8 without control characters."""
    name = _decoded(segment.encode(errors="surrogateescape"))
    if name is None or not 0 < len(name) <= NAME_BYTES_MAX or any(byte < 0x20 or byte == 0x7F for byte in name):
        return False
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(segment: bytes) -> Optional[bytes]:
    """None if a "%" escapes nothing."""
    decoded = unquote_to_bytes(segment)
    return decoded if segment.count(b"%") * 2 == len(segment) - len(decoded) else None
