"""JSON as it is sent: compact, as text, and only what other languages can read as well (no NaN)."""

import json

encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
decode = json.loads
