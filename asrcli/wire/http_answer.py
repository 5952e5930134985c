"""An HTTP answer whose end is not taken for granted: the library takes a header that broke off for a whole one.

So it does with the length of a chunk, of which the first digits may be those of the last chunk's.
"""

from __future__ import annotations

from http.client import HTTPResponse, RemoteDisconnected
from io import BufferedReader
from typing import Any, cast


class _Lines(BufferedReader):
    """Raises RemoteDisconnected for a line that broke off; for one that is missing, only in a header."""

    is_in_header = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        is_cut = not line.endswith(b"\n") and len(line) != size
        if is_cut and (line or self.is_in_header):
            raise RemoteDisconnected("it was closed in the middle of an answer")
        return line


class Answer(HTTPResponse):
    """As the library's, but for that."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fp = self._lines = _Lines(cast("Any", self.fp.detach()))

    def begin(self) -> None:
        self._lines.is_in_header = True
        super().begin()
        self._lines.is_in_header = False
