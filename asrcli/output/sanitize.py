"""Text from outside made safe for a terminal: what the service said, what a file is called.

Knows nothing of terminals or colours. Escapes are visible and in ASCII; CJK, emoji and joiners stay as they are.
"""

from __future__ import annotations

import os
import re

# C0, DEL and C1 drive terminals. The bidi marks, overrides and isolates reorder what is read, so that a file name can
# pass for another. Lone surrogates cannot be encoded. U+2028 and U+2029 end lines in some programs.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS = re.compile("[\t\n\r\u2028\u2029]+")
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def sanitize(text: str) -> str:
    """`text` on one line, with every control and direction character as a visible escape: \\n, \\x1b, \\u202e.

    Doing it twice changes nothing more.
    """
    return _UNSAFE.sub(_escape, text)


def sentence_text(text: str) -> str:
    """`text` as one line of prose: line breaks and tabs are one space, everything else as in `sanitize`."""
    return sanitize(_BREAKS.sub(" ", text))


def name(path: str | os.PathLike[str]) -> str:
    """A file's or device's name for display. Bytes that are no UTF-8 show as \\udcXX, as Python reads them."""
    return sanitize(os.fspath(path))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
