"""The error tree, as values: all that is known of a failure stands in fields, and every error survives `pickle`.

Nothing here knows of exit codes, consoles or foreign libraries, nor how a field is put into words.

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
  NothingHeard               all of the sound was recognised, and nobody speaks in it
  Shortage                   the system gives us no more of something: threads, for example
  Interrupted                the user or the system ended the run before the work was complete
  Bug                        a mistake of ours, which is shown with its traceback

Each foreign library is translated once, where it is used, with `raise … from`.
"""

from __future__ import annotations

import errno
import os
from typing import Final

# What the system says where it has no more to give, or is broken: nobody's mistake, wherever it comes up.
_SYSTEM = {
    *(errno.EIO, errno.ENOMEM, errno.ENOBUFS, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT),
}

# Where there is no room for what is written.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

# Where it is the number of open files and sockets, and what helps then.
FILES_USED_UP = {errno.EMFILE, errno.ENFILE}
MORE_FILES = "raise the limit (ulimit -n), or use fewer at once"

Missing = tuple[tuple[int, int | None], ...]
"""Begin and end in milliseconds of each stretch without a result; the end is None for all that follows."""

# What a person reads of a message; a service may send a page, and JSON lines are read by people too.
_MOST_CHARACTERS = 300


def brief(text: str) -> str:
    """Words from outside as an error or a notice carries them: a few lines at most, then "…"."""
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"


class AsrcliError(Exception):
    """Base of all errors that are shown as one line.

    `message` says what failed, where and why, in the words of whoever failed, and stays as it is; what is found out
    later stands beside it. `hint` says what to do, and may be empty.
    """

    retryable: bool = False
    """Whether the same command may succeed later without a change."""
    throttled: bool = False
    """Whether the service has too much to do: less at once would help."""
    retry_after_s: float | None = None
    """How long the service asked us to wait before another try; None if it did not."""
    tries: int = 0
    """How many more tries had been made when it was given up."""
    missing: Missing = ()
    """The sound that has no result for it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message: Final = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # By its fields: the arguments of a class are not those of the next one, and a cause may not survive.
        return _bare, (type(self), self.args), vars(self)

    @property
    def code(self) -> str:
        """A short name for scripts: the service's own code where it gave one, else the kind of error."""
        return type(self).__name__

    @property
    def reason(self) -> str:
        """What failed, in short, for a run that goes on."""
        return self.message


def _bare(kind: type[AsrcliError], arguments: tuple[object, ...]) -> AsrcliError:
    """An error without its fields, which are set next."""
    return kind.__new__(kind, *arguments)


class UsageError(AsrcliError):
    """An option, a file name or a combination that cannot work; found before anything is sent."""


class AuthError(AsrcliError):
    """No key, or a key that the service refused, with its own code where it gave one.

    `refused_by` is set where the message is that of whoever refused; `http_status` where that was in the handshake.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        service_code: str = "",
        request_id: str | None = None,
        refused_by: str = "",
        http_status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.service_code = service_code
        self.request_id = request_id
        self.refused_by = refused_by
        self.http_status = http_status

    @property
    def code(self) -> str:
        return self.service_code or super().code

    @property
    def reason(self) -> str:
        return f"{self.service_code}: {self.message}" if self.service_code else self.message


class ServiceError(AsrcliError):
    """The service refused or gave up. Its code and message are passed on unchanged, see `brief`.

    `request_id` is for the vendor's support, None where there is none yet; `id_of` says what it names: a task, a
    session, or the request of a handshake that was refused. `utterances` is how many were not recognised, where only
    they failed, and this is the first one's error.
    """

    no_speech: bool = False
    """Whether the reason is that there was nothing to recognise."""

    def __init__(
        self,
        service_code: str,
        message: str,
        *,
        request_id: str | None = None,
        id_of: str = "task",
        hint: str = "",
        retryable: bool = False,
        utterances: int = 0,
    ) -> None:
        super().__init__(message, hint=hint)
        self.service_code = service_code
        self.request_id = request_id
        self.id_of = id_of
        self.retryable = retryable
        self.utterances = utterances

    @property
    def code(self) -> str:
        return self.service_code

    @property
    def reason(self) -> str:
        return f"{self.service_code}: {self.message}"


class ProtocolViolation(AsrcliError):  # noqa: N818 - it names what happened, as the protocol's own text does
    """A message that the protocol does not allow. `excerpt` holds its first characters."""

    retryable = True

    def __init__(self, message: str, *, excerpt: str = "") -> None:
        super().__init__(message)
        self.excerpt = excerpt

    @property
    def reason(self) -> str:
        return f"{self.message}: {self.excerpt}" if self.excerpt else self.message


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
    """The run went on to its end, but a part of the sound, `missing`, had to be given up before it had a result."""

    retryable = True


class AudioError(AsrcliError):
    """Sound could not be read."""


class DecodeError(AudioError):
    """A file or stream without audio that can be read, or one that breaks off."""


class DeviceError(AudioError):
    """A microphone that is missing, busy, refused or gone."""


class OutputError(AsrcliError):
    """A result could not be written, a full disk for example. `after`: what had failed before."""

    def __init__(self, message: str, *, hint: str = "", after: AsrcliError | None = None) -> None:
        super().__init__(message, hint=hint)
        self.after = after


class NothingHeard(AsrcliError):  # noqa: N818
    """All of the sound was recognised, nobody speaks in it, and the user takes that for a failure."""


class Shortage(AsrcliError):  # noqa: N818
    """The system gives us no more of what it takes to go on, or fails."""

    retryable = True


class Interrupted(AsrcliError):  # noqa: N818
    """The run was ended from outside before the work was complete. `signal_number` says by what.

    `done` of `total` sources were done by then; None where there is only one.
    """

    def __init__(self, signal_number: int, message: str, *, done: int | None = None, total: int | None = None) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.done = done
        self.total = total


class Bug(AsrcliError):  # noqa: N818
    """A mistake of ours: something was raised where nothing should be. `ends_all`: nothing goes on after it.

    `trace` holds the lines that tell where it was raised, for whoever mends it.
    """

    def __init__(self, cause: BaseException, *, ends_all: bool = False) -> None:
        import traceback

        what = f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
        super().__init__(f"a bug in asrcli: {what}", hint="please report it, with the lines above")
        self.__cause__ = cause
        self.ends_all = ends_all
        self.trace = "".join(traceback.format_exception(cause))

    @staticmethod
    def of(error: BaseException, *, ends_all: bool = False) -> AsrcliError:
        """`error` as it is where it is one of ours, for which nobody has to be blamed; no more has the system's own."""
        if isinstance(error, AsrcliError):
            return error
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            # Every look at such a name raises, wherever one is taken.
            too_long = UsageError(f"the system has no names as long as {str(error.filename)[:40]}…")
            too_long.__cause__ = error
            return too_long
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _SYSTEM):
            reason = "out of memory" if isinstance(error, MemoryError) else os.strerror(error.errno or 0)
            where = getattr(error, "filename", None)
            place = f" at {where}" if where else ""
            hint = MORE_FILES if getattr(error, "errno", None) in FILES_USED_UP else "safe to try again"
            shortage = Shortage(f"the system does not let us go on{place}: {reason}", hint=hint)
            shortage.__cause__ = error
            return shortage
        return Bug(error, ends_all=ends_all)


def together(error: AsrcliError, lost: AsrcliError) -> AsrcliError:
    """One error for what failed and for `lost`, which kept the results from being told of it."""
    if isinstance(lost, Interrupted):
        return lost
    if isinstance(error, OutputError | Interrupted | Bug) or error.message == lost.message:
        return error
    return OutputError(lost.message, hint=lost.hint, after=error)
