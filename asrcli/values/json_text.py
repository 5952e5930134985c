"""JSON as it goes out: one object a line, readable, and safe for whatever reads lines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

# json escapes C0 itself. C1 and DEL drive terminals, U+2028 and U+2029 end lines in some readers, and lone surrogates
# (file names that are no UTF-8) cannot be encoded. Structure is ASCII, so all of these stand inside strings.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def json_text(document: Mapping[str, object]) -> str:
    """`document` on one line, without the line's end. Raises ValueError for a number that JSON has not."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
