"""The error tree. Nothing here knows of exit codes, consoles or foreign libraries.

AsrcliError
  UsageError                 the user's choice cannot work
  AuthError                  no key, or the key was refused
  ServiceError               the service said no, with a code and a message of its own
  ProtocolViolation          the service said something that the protocol does not allow
  LinkError                  the network, TLS, a proxy
  ServiceTimeout             the service kept silent in a named stage for longer than its bound
  SoundLost                  a part of the sound was given up before it had a result
  AudioError
    DecodeError              a file or a stream that holds no audio that we can read
    DeviceError              a microphone
  OutputError                a result could not be written
  Shortage                   the system gives us no more of something: threads, for example
  Interrupted                the user or the system ended the run before the work was complete
  Bug                        a mistake of ours, which is shown with its traceback

Each foreign library is translated once, where it is used, with `raise … from`.
"""

from __future__ import annotations

import errno
import os

# What the system says where it has no more to give, or is broken: nobody's mistake, wherever it comes up.
_SYSTEM = {
    *(errno.EIO, errno.ENOMEM, errno.ENOBUFS, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT),
}

# What a person reads of a message; a service may send a page, and JSON lines are read by people too.
_MOST_CHARACTERS = 300


def brief(text: str) -> str:
    """Words from outside as an error or a notice carries them: a few lines at most, then "…"."""
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"


class AsrcliError(Exception):
    """Base of all errors that are shown as one line.

    `message` says what failed, where and why; `hint` says what to do, and may be empty.
    `retryable` is True where the same command may succeed later without a change.
    """

    retryable = False
    throttled = False
    """Whether the service has too much to do: less at once would help."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after_s: float | None = None
        """How long the service asked us to wait before another try; None if it did not."""

    @property
    def code(self) -> str:
        """A short name for scripts: the service's own code where it gave one, else the kind of error."""
        return type(self).__name__

    @property
    def reason(self) -> str:
        """What failed, in short, for a run that goes on."""
        return self.message

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(AsrcliError):
    """An option, a file name or a combination that cannot work; found before anything is sent."""


class AuthError(AsrcliError):
    """No key, or a key that the service refused, with its own code where it gave one."""

    def __init__(self, message: str, *, hint: str = "", service_code: str = "", request_id: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.service_code = service_code
        self.request_id = request_id

    @property
    def code(self) -> str:
        return self.service_code or super().code


class ServiceError(AsrcliError):
    """The service refused or gave up. Its code and message are passed on unchanged, see `brief`.

    `request_id` is for the vendor's support, None where there is none yet; `id_of` says what it names: a task, a
    session, or the request of a handshake that was refused. `no_speech`: the reason is that there was nothing to
    recognise.
    """

    no_speech = False

    def __init__(
        self,
        service_code: str,
        message: str,
        *,
        request_id: str | None = None,
        id_of: str = "task",
        hint: str = "",
        retryable: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.service_code = service_code
        self.request_id = request_id
        self.id_of = id_of
        self.retryable = retryable

    @property
    def code(self) -> str:
        return self.service_code

    @property
    def reason(self) -> str:
        return f"{self.service_code}: {self.message}"

    def __str__(self) -> str:
        named = f", {self.id_of} ID {self.request_id}" if self.request_id else ""
        text = f"the service answered {self.service_code}{named}: {self.message}"
        return f"{text} ({self.hint})" if self.hint else text


class ProtocolViolation(AsrcliError):  # noqa: N818 - it names what happened, as the protocol's own text does
    """A message that the protocol does not allow. `excerpt` holds its first characters."""

    retryable = True

    def __init__(self, message: str, *, excerpt: str = "") -> None:
        super().__init__(f"{message}: {excerpt}" if excerpt else message)
        self.excerpt = excerpt


class LinkError(AsrcliError):
    """The connection could not be made or was lost. `refused`: something answered, but not now."""

    retryable = True

    def __init__(self, message: str, *, hint: str = "", refused: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.refused = refused


class ServiceTimeout(AsrcliError):  # noqa: N818
    """The service kept silent. `stage` is what we waited for: connect, start, finish."""

    retryable = True

    def __init__(self, stage: str, waited_s: float, *, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.stage = stage
        self.waited_s = waited_s


class SoundLost(AsrcliError):  # noqa: N818
    """The run went on to its end, but a part of the sound had to be given up before it had a result."""

    retryable = True


class AudioError(AsrcliError):
    """Sound could not be read."""


class DecodeError(AudioError):
    """A file or stream without audio that can be read, or one that breaks off."""


class DeviceError(AudioError):
    """A microphone that is missing, busy, refused or gone."""


class OutputError(AsrcliError):
    """A result could not be written, a full disk for example."""


class Shortage(AsrcliError):  # noqa: N818
    """The system gives us no more of what it takes to go on, or fails."""

    retryable = True


class Interrupted(AsrcliError):  # noqa: N818
    """The run was ended from outside before the work was complete. `signal_number` says by what."""

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal_number = signal_number


class Bug(AsrcliError):  # noqa: N818
    """A mistake of ours: something was raised where nothing should be. `ends_all`: nothing goes on after it."""

    def __init__(self, cause: BaseException, *, ends_all: bool = False) -> None:
        what = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
        super().__init__(f"a bug in asrcli: {what}", hint="please report it, with the lines above")
        self.__cause__ = cause
        self.ends_all = ends_all

    @staticmethod
    def of(error: BaseException, *, ends_all: bool = False) -> AsrcliError:
        """`error` as it is where it is one of ours, for which nobody has to be blamed; no more has the system's own."""
        if isinstance(error, AsrcliError):
            return error
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SYSTEM):
            reason = "out of memory" if isinstance(error, MemoryError) else os.strerror(error.errno or 0)
            where = getattr(error, "filename", None)
            place = f" at {where}" if where else ""
            shortage = Shortage(f"the system does not let us go on{place}: {reason}", hint="safe to try again")
            shortage.__cause__ = error
            return shortage
        return Bug(error, ends_all=ends_all)

    @property
    def trace(self) -> str:
        """The lines that tell where it was raised, for whoever mends it."""
        import traceback

        return "".join(traceback.format_exception(self.__cause__))


def together(error: AsrcliError, lost: AsrcliError) -> AsrcliError:
    """One error for what failed and for `lost`, which kept the results from being told of it."""
    if isinstance(lost, Interrupted):
        return lost
    if isinstance(error, OutputError | Interrupted | Bug) or error.message == lost.message:
        return error
    return OutputError(f"{error.message.rstrip('.')}; and {lost.message}", hint=lost.hint)
