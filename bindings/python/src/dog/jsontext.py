"""JSON as it is sent and read: compact text of RFC 8259, the same that DOG's bindings of other languages take and give.

NaN and Infinity are refused both ways, keys are str, and bytes are no value. Half of a surrogate pair is sent as the
escape that it came as ("\\ud800"): UTF-8 has no bytes for it, but JSON has the escape.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Callable, NoReturn, Optional, Union

from . import _native
from .errors import UnsendableError

if TYPE_CHECKING:
    from typing import Protocol

    class JSONCodec(Protocol):
        """What Engine takes as `json`: any object, or module, with these two, as the standard library's json is one."""

        def dumps(self, value: Any, /) -> Union[str, bytes]: ...

        def loads(self, text: Union[str, bytes], /) -> Any: ...


def _loads(text: Union[str, bytes]) -> Any:
    return _decode(text if isinstance(text, str) else text.decode())


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse).decode


class JSONText:
    """Values to text and back, by a codec. Each failure is one kind of error, whatever the codec raises."""

    def __init__(self, codec: Optional[JSONCodec] = None) -> None:
        self._is_own = codec is not None
        if codec is None:
            # A value that contains itself is nested too deeply for check_keys.
            compact = json.JSONEncoder(
                ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
            )
            self._dumps: Callable[[Any], Union[str, bytes]] = compact.encode
            self._loads: Callable[[Union[str, bytes]], Any] = _loads
            return
        for name in ("dumps", "loads"):
            if not callable(getattr(codec, name, None)):
                raise TypeError(f"json is an object with dumps and loads; {codec!r} has no {name}")
        self._dumps, self._loads = codec.dumps, codec.loads

    def encode(self, value: Any) -> bytes:
        """The JSON of any value. An UnsendableError if it has none."""
        try:
            if not self._is_own:
                _native.check_keys(value)
            text = self._dumps(value)
        except RecursionError:
            raise UnsendableError("nested too deeply for JSON") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise UnsendableError(f"not to be said in JSON: {error}") from error
        if isinstance(text, bytes):
            return text
        try:
            return text.encode()
        except UnicodeEncodeError:
            # A surrogate can only be in a string, where its escape means the same.
            return text.encode(errors="backslashreplace")

    def message(self, value: Any) -> bytes:
        """The JSON of a message that is neither text nor binary: a dict or a list, or anything that the program's own
        codec takes."""
        if not self._is_own and not isinstance(value, (dict, list)):
            kind = type(value).__name__
            raise UnsendableError(f"a message is a str, bytes, bytearray, memoryview, dict or list, not {kind}")
        return self.encode(value)

    def decode(self, text: Union[str, bytes]) -> Any:
        """The value of a JSON text. A ValueError if it is none."""
        try:
            return self._loads(text)
        except RecursionError:
            raise ValueError("JSON that is nested too deeply") from None


DEFAULT = JSONText()
