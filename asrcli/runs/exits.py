"""Errors become exit codes."""

from __future__ import annotations

from asrcli.remote.base import RemoteError
from asrcli.values.errors import (
    AsrcliError,
    AudioError,
    AuthError,
    Bug,
    DeviceError,
    Interrupted,
    LinkError,
    OutputError,
    ProtocolViolation,
    ServiceError,
    ServiceTimeout,
    SoundLost,
    UsageError,
)

# The most specific class that fits counts.
EXIT_CODES: dict[type[AsrcliError], int] = {
    AsrcliError: 1,
    AudioError: 1,
    OutputError: 1,
    UsageError: 2,
    AuthError: 4,
    ServiceError: 5,
    ProtocolViolation: 5,
    LinkError: 6,
    ServiceTimeout: 6,
    SoundLost: 6,
    DeviceError: 7,
    Bug: 70,  # EX_SOFTWARE of sysexits.h
}


def exit_code(error: AsrcliError) -> int:
    """The code that a run ends with because of `error`; 128 + signal for an interruption."""
    if isinstance(error, Interrupted):
        return 128 + error.signal_number
    if isinstance(error, RemoteError) and error.retryable:
        return EXIT_CODES[LinkError]
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


class Refused(Exception):  # noqa: N818 - it names what happened
    """Sources cannot be used, and the user was told which and why; `code` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
