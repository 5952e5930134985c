"""Bytes of a file become its lines, one by one, whatever is in it: what cannot be read is told with a reason."""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

from asrcli.output.saved.values import Saved, Unreadable, read_value

# A sentence of an hour with the times of its words takes a tenth of it.
MOST_BYTES = 16 << 20
_BOM = b"\xef\xbb\xbf"
# How each object of ours begins. Within a text its quotes would be escaped.
_BEGINNING = re.compile(rb'(?={"type": ?")')
_OBJECT, _PARTIAL = b'{"type":', b'{"type":"partial"'
_PASSED = Saved(None, None)


class Line(NamedTuple):
    """What one line holds: `saved`, or None and the `problem` why that cannot be read. Lines count from 1.

    One that an earlier run was killed in, and a later one appended to, is told in two.
    """

    number: int
    saved: Saved | None
    problem: str = ""


def read_lines(file: typing.IO[bytes], *, with_words: bool = True) -> Iterator[Line]:
    """The lines of `file` from where it stands to its end; blank ones and those of types not known here are skipped."""
    number = 0
    while raw := file.readline(MOST_BYTES + 1):
        number += 1
        if len(raw) > MOST_BYTES:
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(MOST_BYTES)
            yield Line(number, None, f"longer than {MOST_BYTES >> 20} MiB")
            continue
        is_cut = not raw.endswith(b"\n")
        raw = raw.removeprefix(_BOM).strip()
        if raw.startswith(_PARTIAL) and raw.endswith(b"}") and raw.find(_OBJECT, 1) < 0:
            # Most lines are that, and nothing more is needed of them.
            yield Line(number, _PASSED)
        elif raw:
            yield from _read(number, raw, is_cut=is_cut, with_words=with_words)


def _read(number: int, raw: bytes, *, is_cut: bool, with_words: bool) -> Iterator[Line]:
    try:
        saved = read_value(_object(raw), with_words=with_words)
    except Unreadable as problem:
        pieces = [piece for piece in _BEGINNING.split(raw) if piece]
        if len(pieces) == 1:
            yield Line(number, None, "cut off" if is_cut else str(problem))
            return
        # What the last piece is may be a whole line, or end where the file does.
        for piece in pieces[:-1]:
            yield from _read(number, piece, is_cut=True, with_words=with_words)
        yield from _read(number, pieces[-1], is_cut=is_cut, with_words=with_words)
    else:
        if saved is not None:
            yield Line(number, saved)


def _object(raw: bytes) -> dict[str, Any]:
    """The JSON object in `raw`. Raises Unreadable."""
    try:
        document = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise Unreadable(f"no JSON: {error.msg} at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets thousands deep.
        raise Unreadable("no JSON that can be read") from error
    if not isinstance(document, dict):
        raise Unreadable("JSON, but no object")
    return document
