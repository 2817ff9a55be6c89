"""What can be sent: str as text, bytes as binary, dict and list as text in JSON. What comes is str or bytes."""

from typing import Any, Dict, List, Union

Message = Union[str, bytes, bytearray, memoryview, Dict[str, Any], List[Any]]
Data = Union[str, bytes]
