"""One result of `--output-dir`: complete or not there, whatever ends the run, and whoever else writes to the folder.

The result and its sidecar are written beside their places and moved there, the sidecar first: a kill between the two
leaves a result that its sidecar does not speak of, and an error there leaves the old result as it was. All of that is
done under a lock on the folder, so whoever holds it knows that a file which was being written is a leftover.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
import typing
from collections.abc import Iterator
from pathlib import Path

from asrcli.output.places import sidecar
from asrcli.output.places.sidecar import Audio, Sidecar
from asrcli.output.sanitize import name as shown
from asrcli.system.beside import alone_in, beside, settle
from asrcli.system.file_state import FileState, file_sha256
from asrcli.system.posix import unsupported
from asrcli.values.errors import FULL, DecodeError, OutputError
from asrcli.values.source_name import public

# The results of many long talks are not kept in memory all together.
SPOOL_BYTES = 1 << 20
_PART = ".part"
# Earlier versions had the process's number in the name.
_LEFTOVER = re.compile(r"\.asrcli-[0-9a-f]{16}\.part|\..+\.(?:txt|jsonl)\.[0-9]+\.(?:part|sidecar)")


class Result:
    """The file for one source's results; see output.places.lanes.ResultFile. Nothing is at `path` before `keep`."""

    def __init__(self, path: Path, source: str, audio: Audio, options_sha256: str) -> None:
        self.path = path
        self.replaces = False
        """Whether what is at `path` already may go."""
        self.keeps_old = False
        """Whether it stays then, under another name."""
        self.has_changed_audio = False
        self.has_other_options = False
        """Why it is made again: from other audio, or from the same with other options."""
        self.is_kept = False
        """Whether it is in its place."""
        self.audio = audio
        """What it is noted as made from."""
        self._source = source
        self._options_sha256 = options_sha256
        self._broken: OutputError | None = None
        self._text: tempfile.SpooledTemporaryFile[bytes] | None = None

    def check_source(self) -> None:
        """Raise DecodeError where the source is not any more what this result is noted as made from."""
        state = FileState.of(self._source)
        if state != self.audio.state:
            what = "changed while it was read" if state is not None else "went away while it was read"
            raise DecodeError(f"{shown(self._source)} {what}: no result is kept", hint="run the same command again")

    def write(self, text: str) -> None:
        if self._broken is not None:
            raise self._broken
        try:
            with told(self.path):
                self._spool().write(text.encode("utf-8", "backslashreplace"))
        except OutputError as error:
            self._broken = error
            raise

    def keep(self) -> None:
        """Put what was written in its place, whole, with its sidecar. Raises OutputError, also one of before."""
        if self._broken is not None:
            self.drop()
            raise self._broken
        with told(self.path), contextlib.ExitStack() as stack:
            stack.callback(self.drop)
            stack.enter_context(locked(self.path.parent))
            if not self.replaces and self.path.exists():
                raise OutputError(f"{shown(self.path)} was made by another program meanwhile", hint="start again")
            text = self._spool()
            text.seek(0)
            result = stack.enter_context(written_beside(self.path, text))
            notes = io.BytesIO(self._notes(result).text().encode())
            beside = stack.enter_context(written_beside(self.path, notes))
            if self.keeps_old and self.path.exists():
                shutil.copy2(self.path, self.path.with_name(f"{self.path.name}~"))
            beside.replace(sidecar.place(self.path))
            result.replace(self.path)
            self.is_kept = True

    def drop(self) -> None:
        if self._text is not None:
            self._text.close()

    def _spool(self) -> tempfile.SpooledTemporaryFile[bytes]:
        # Without a name of its own, so that a killed run leaves nothing behind.
        self._text = self._text or tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed by drop
        return self._text

    def _notes(self, result: Path) -> Sidecar:
        digest = file_sha256(result)
        before = file_sha256(self.path) if self.path.exists() else digest
        replaced = "" if before == digest else before
        return Sidecar(public(self._source), self.audio.sha256, self._options_sha256, digest, replaced)


def clear_leftovers(folder: Path) -> None:
    """Remove what killed runs have left in `folder`. Raises OSError where it cannot be read."""
    with locked(folder) as is_locked, os.scandir(folder) as entries:
        # Without a lock a leftover is not known from what is being written now. It does no harm.
        for entry in entries if is_locked else ():
            if _LEFTOVER.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    Path(entry.path).unlink()


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Say what the system has against writing `path`, as an OutputError."""
    try:
        yield
    except OSError as error:
        hint = "free some space there" if error.errno in FULL else "choose another folder"
        raise OutputError(f"cannot write {shown(path)}: {error.strerror}", hint=hint) from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Keep others from putting results into `folder` meanwhile; False where the file system knows no such lock.

    Waits for who holds the lock. Raises OSError where the folder cannot be opened.
    """
    if sys.platform == "win32":
        raise unsupported("a folder of results")
    with alone_in(folder) as is_alone:
        yield is_alone


@contextlib.contextmanager
def written_beside(path: Path, data: typing.IO[bytes]) -> Iterator[Path]:
    """A file with `data` in the folder of `path`, which is gone in the end unless it was moved."""
    with beside(path, _PART) as part:
        with part.open("xb") as file:
            shutil.copyfileobj(data, file)
        # A result that is there is complete, after a power cut too.
        settle(part)
        yield part
