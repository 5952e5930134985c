"""What an object at an address is: all that the rest of the program has to know about one."""

from __future__ import annotations

import typing
from collections.abc import Iterator

from asrcli.values.errors import AsrcliError


class RemoteError(AsrcliError):
    """An object could not be read or written. `retryable`: the same may succeed later without a change."""

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable


class Remote(typing.Protocol):
    """An object at an address, as it was found when it was first looked at.

    `address` is what the user typed. `size_bytes` is None where it is not known, as of what has no end. `identity` is
    what a change of its bytes would show in ("etag:…", or time and length); None where nothing tells. `has_ranges`:
    it can be read from anywhere.
    """

    address: str
    size_bytes: int | None
    identity: str | None
    has_ranges: bool

    def read_from(self, offset: int) -> Iterator[bytes]:
        """Its bytes from `offset` on, to the end, in pieces as they come; one connection, one try.

        Raises RemoteError where it cannot be had, breaks off, or is no longer what it was when it was first looked at.
        """
        ...
