"""Bytes that arrive one after another: what a stream of them is to whoever reads it, wherever they come from."""

from __future__ import annotations

import os
import stat
import typing

from asrcli.system.descriptor import Descriptor, let_go
from asrcli.values.source_name import label


class Arriving(typing.Protocol):
    """Bytes on their way in, from a pipe, a file or an address.

    `live`: they come in their own time and cannot be had again. `stopped`: by `stop`.
    """

    live: bool

    @property
    def stopped(self) -> bool: ...

    def read(self) -> bytes:
        """What is there now; waits only while there is nothing. b"" at the end and after `stop`. Raises AsrcliError."""
        ...

    def read_now(self) -> bytes:
        """Like `read`, but b"" too where nobody can say when more comes."""
        ...

    def left_bytes(self) -> int | None:
        """How many are still to come; None where that is not known."""
        ...

    def stop(self) -> None:
        """End the `read` that waits, and all later ones. For any thread."""
        ...

    def close(self) -> None:
        """Free what is used for this; nobody may be reading. May be called again."""
        ...


class OpenDescriptor(Descriptor):
    """What can be read from the descriptor `fd` of the source `name`; closes that too in the end where it `is_ours`."""

    def __init__(self, fd: int, name: str, *, is_ours: bool = False) -> None:
        super().__init__(fd, label(name))
        self._descriptor = fd
        self.is_ours = is_ours
        self.live = not stat.S_ISREG(os.fstat(fd).st_mode)

    def left_bytes(self) -> int | None:
        """What a regular file holds from here on."""
        if self.live:
            return None
        return os.fstat(self._descriptor).st_size - os.lseek(self._descriptor, 0, os.SEEK_CUR)

    def close(self) -> None:
        super().close()
        if self.is_ours:
            self.is_ours = False
            let_go(self._descriptor)
