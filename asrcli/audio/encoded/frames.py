"""Streams of frames that follow each other without a container: where each begins, and where that can be trusted.

A frame is known by its header alone, which sound may hold by chance. So a stream begins where several frames follow
each other, and what lies between two frames is passed over.
"""

from __future__ import annotations

import re
from abc import abstractmethod

from asrcli.audio.encoded.headers import Header
from asrcli.audio.encoded.parser import Parser, Part, Unfit


class FrameParser(Parser):
    """Takes a stream of frames apart."""

    HEADER_BYTES: int
    TAG_BYTES = 0
    """So many are needed to see that a tag begins."""
    IN_A_ROW: int
    """So many frames are no coincidence."""
    MARK: re.Pattern[bytes] | None = None
    """What each frame begins with, or as much of it as there is at the end of the data."""

    def __init__(self) -> None:
        super().__init__()
        self.kind: tuple[int, ...] | None = None
        self._is_in_step = False
        self._first = b""

    @abstractmethod
    def header_at(self, data: bytes, at: int) -> Header | None:
        """The header at `at`, of which HEADER_BYTES are there; None if there is none."""

    @abstractmethod
    def _begin(self, frame: bytes, header: Header) -> bool:
        """Set `traits` by the first frame, and say whether it holds sound. Raises Unfit."""

    def _tag_bytes(self, data: bytes, at: int) -> int:
        """The length of the tag that begins at `at`; 0 if there is none."""
        return 0

    def _step(self, data: bytes, at: int, is_end: bool) -> int:
        if not is_end and len(data) - at < max(self.HEADER_BYTES, self.TAG_BYTES):
            return -max(self.HEADER_BYTES, self.TAG_BYTES)
        # In what is passed over, nothing is looked for but frames.
        if not self._rubbish_bytes and (length := self._tag_bytes(data, at)):
            self._is_in_step = False
            return self._after_tag(length)
        header = self.header_at(data, at) if len(data) - at >= self.HEADER_BYTES else None
        if header is None or (self._is_in_step and header.kind != self.kind):
            self._is_in_step = False
        if self._is_in_step and header is not None:
            return self._follow(data, at, is_end, header)
        return self._search(data, at, is_end, header)

    def _after_tag(self, length: int) -> int:
        return length

    def _follow(self, data: bytes, at: int, is_end: bool, header: Header) -> int:
        """The next frames of a stream that is in step, one of them at the least."""
        begin = at
        # As long as one follows the other there is nothing to think about: that is what most of the time goes to.
        while len(data) >= (end := at + header.length) + self.HEADER_BYTES:
            following = self.header_at(data, end)
            if following is None or following.kind != self.kind:
                break
            self._keep(Part(data[at:end], header.samples))
            at, header = end, following
        return at - begin or self._judge(data, at, is_end, header)

    def _judge(self, data: bytes, at: int, is_end: bool, header: Header) -> int:
        """One frame, unless it turns out to be cut off by the one after it."""
        end = at + header.length
        if len(data) < end + max(self.HEADER_BYTES, self.TAG_BYTES) and not is_end:
            return -(header.length + max(self.HEADER_BYTES, self.TAG_BYTES))
        if not self._is_border(data, end):
            # The rest of this frame may be missing, and the next ones lie within what seems to belong to it.
            within = self._frame_within(data, at, is_end, header)
            if within:
                return within if within < 0 else self._lose(within)
            if end > len(data):
                self.is_cut = True
                return len(data) - at
        self._keep(Part(data[at:end], header.samples))
        return header.length

    def _is_border(self, data: bytes, at: int) -> bool:
        """Whether a frame or a tag begins at `at`, or the stream ends there."""
        if at >= len(data):
            return at == len(data)
        header = self.header_at(data, at) if len(data) - at >= self.HEADER_BYTES else None
        return header is not None or self._tag_bytes(data, at) > 0

    def _frame_within(self, data: bytes, begin: int, is_end: bool, outer: Header) -> int:
        """How far behind `begin`, where a frame begins, another does within it that more of the kind follow.

        0 if there is none; minus the bytes it takes from `begin` on to tell.
        """
        at = begin + self._to_next_mark(data, begin)
        while at < begin + outer.length and at + self.HEADER_BYTES <= len(data):
            header = self.header_at(data, at)
            if header is not None and header.kind == outer.kind:
                row = self._row(data, at, is_end)
                if row:
                    return at - begin if row > 0 else begin - at + row
            at += self._to_next_mark(data, at)
        return 0

    def _search(self, data: bytes, at: int, is_end: bool, header: Header | None) -> int:
        """Begin, or begin again, where frames follow each other."""
        if header is None:
            return self._lose(self._to_next_mark(data, at))
        row = self._row(data, at, is_end)
        if row < 1:
            return row or self._lose(self._to_next_mark(data, at))
        if self.kind is not None and header.kind != self.kind:
            self._change(header)
        self._is_in_step = True
        if self.kind is None:
            self.kind = header.kind
            self.frame_samples = header.samples
            self._first = data[at : at + self.HEADER_BYTES]
            if not self._begin(data[at : at + header.length], header):
                return header.length
        # Whether it is whole shows like that of any other.
        return self._follow(data, at, is_end, header)

    def _row(self, data: bytes, at: int, is_end: bool) -> int:
        """1 if enough frames of one kind follow each other from `at` on, 0 if not, else minus the bytes it takes."""
        begin, needed = at, max(self.HEADER_BYTES, self.TAG_BYTES)
        kind: tuple[int, ...] | None = None
        for count in range(self.IN_A_ROW):
            if len(data) - at < needed:
                if not is_end:
                    return begin - at - needed
                if count and (self._is_border(data, at) or (count > 1 and at > len(data))):
                    return 1
                if len(data) - at < self.HEADER_BYTES:
                    return 0
            header = self.header_at(data, at)
            if header is None or (kind is not None and header.kind != kind):
                return 1 if count and header is None and self._tag_bytes(data, at) else 0
            kind = header.kind
            at += header.length
        return 1

    def _change(self, header: Header) -> None:
        assert self.traits is not None
        raise Unfit(f"changes its sample rate or its channels after {self.samples / self.traits.rate_hz:.1f} s")

    def _to_next_mark(self, data: bytes, at: int) -> int:
        if self.MARK is None:
            return 1
        following = self.MARK.search(data, at + 1)
        return (len(data) if following is None else following.start()) - at
