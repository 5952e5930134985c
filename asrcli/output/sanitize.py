"""Text from outside made safe for a terminal: what the service said, what a file is called.

Knows nothing of terminals or colours. Escapes are visible and in ASCII. Escaped is what drives a terminal, what cannot
be encoded, and what shows as nothing, so that one text could pass for another or hide a third. Of the latter these
stay, because languages are written with them: the joiners U+200C and U+200D (Persian, the scripts of India, emoji), and
variation selectors, which choose the shape of the character before them (emoji, Mongolian, Japanese names). What shows
as nothing also stays in transcripts that no terminal is shown: some write U+200B between the words of Thai and Khmer.
"""

from __future__ import annotations

import os
import re

from asrcli.values.source_name import public

# C0, DEL and C1 drive terminals. Lone surrogates cannot be encoded. U+2028 and U+2029 end lines in some programs.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
# Marks, embeddings, overrides and isolates of writing direction: they reorder what is read.
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Unicode's other characters that are to be ignored where they are not understood: soft hyphen, fillers, zero width
# spaces, invisible operators, annotations, marks of shorthand and music, and the tags, which repeat ASCII unseen.
_UNSEEN = (
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_ACTIVE = re.compile(f"[{_CONTROLS}{_DIRECTIONS}]")
_UNSAFE = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_UNSEEN}]")
_BREAKS = re.compile("[\t\n\r\u2028\u2029]+")
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def sanitize(text: str) -> str:
    """`text` on one line, with all that is unsafe as a visible escape: \\n, \\x1b, \\u202e, \\U000e0041.

    Doing it twice changes nothing more.
    """
    return _UNSAFE.sub(_escape, text)


def sentence_text(text: str, *, seen: bool = True) -> str:
    """`text` as one line of prose: line breaks and tabs are one space, everything else as in `sanitize`.

    Where it is not `seen`, but read by a program or kept in a file, what shows as nothing is left as it is.
    """
    return (_UNSAFE if seen else _ACTIVE).sub(_escape, _BREAKS.sub(" ", text))


def name(path: str | os.PathLike[str]) -> str:
    """A file's, a device's or an address's name for display.

    Bytes that are no UTF-8 show as \\udcXX, as Python reads them; what lets one in at an address does not show.
    """
    return sanitize(public(os.fspath(path)))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if code < 0x100:
        return _NAMED.get(character) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
