"""What the crews of this machine have finished and no head has made durable yet: files in the user's state folder.

Each crew writes one of its own, which is locked while it lives: by that is known who has died. Nothing but what was
recognised stands in them. They hold pickles, so those of other users, and those that others may write to, are not read.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asrcli.remote.base import Way
from asrcli.remote.places import open_remote
from asrcli.system.durable_lines import DurableLines
from asrcli.system.file_state import FileState
from asrcli.values.errors import AsrcliError, UsageError

KEPT = timedelta(days=30)
_SUFFIX = ".journal"
_MARK, _RESULT, _SOUND = "mark", "result", "sound"
Sound = tuple[str, FileState | str]
"""The name of a file, and what it was when it was heard; or an address and the identity of what was there.

An address that must not be written down is "".
"""

# So many addresses are asked at the same time, and all of them within so long.
_ASKED = 16
_ASK_S = 10.0
# A file is given up for a new one once it has so many lines, and nothing that anybody still needs.
_LINES = 256


class Journal:
    """The file of one crew, in `folder`, for the results called `name`. Raises UsageError where it cannot be made.

    For one thread; `then` is called in another.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._files: list[_File] = []
        self._open()

    def append(self, mark: str, result: bytes, sound: Sound | None, then: Callable[[], None]) -> None:
        """Keep `result`, of `sound` where something tells that, and call `then` when it is on the disk.

        Raises OutputError where it cannot be written.
        """
        if self._files[-1].count >= _LINES:
            self._open()
        packed = base64.b64encode(zlib.compress(result, 1)).decode()
        line = json.dumps({_MARK: mark, _RESULT: packed, _SOUND: sound})
        self._files[-1].append(mark, line, then)

    def forget(self, mark: str) -> None:
        """It is durable elsewhere."""
        for file in [*self._files]:
            file.wanted.discard(mark)
            if not file.wanted and file is not self._files[-1]:
                self._files.remove(file)
                file.remove()

    def close(self, *, is_kept: bool) -> None:
        """Let go of the files; what is in them stays for another crew only where `is_kept`."""
        for file in self._files:
            if is_kept and file.wanted:
                file.close()
            else:
                file.remove()

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{self._name}-{secrets.token_hex(6)}{_SUFFIX}"
        self._files.append(_File(path))


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = DurableLines(path, _MARK)
        path.chmod(0o600)
        self.count = 0
        self.wanted: set[str] = set()

    def append(self, mark: str, line: str, then: Callable[[], None]) -> None:
        self._lines.append(line, then)
        self.count += 1
        self.wanted.add(mark)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._lines.close()

    def remove(self) -> None:
        # While it is locked: what has no lock may be taken for one that was left behind.
        with contextlib.suppress(OSError):
            self._path.unlink()
        self.close()


class LeftBehind:
    """The journals of crews that have died, of the results called `name` in `folder`: they are this object's now.

    `way`: how to get to addresses.
    """

    def __init__(self, folder: Path, name: str, way: Way) -> None:
        self._way = way
        self._taken: dict[Path, DurableLines] = {}
        self._folder, self._name = folder, name

    def results(self) -> Iterator[bytes]:
        """What is in those that were not taken before, unless its sound is known to have changed since.

        What lies at an address is asked for, for _ASK_S at most: what was finished is worth more than an answer.
        """
        kept: list[tuple[object, bytes]] = []
        for path in sorted(self._folder.glob(f"{self._name}-*{_SUFFIX}")):
            if path not in self._taken and _is_ours(path):
                try:
                    self._taken[path] = DurableLines(path, _MARK)
                except UsageError:
                    # Its crew lives, or it is gone by now.
                    continue
                kept += _read(path)
        pool = ThreadPoolExecutor(_ASKED, "left behind")
        asked = [pool.submit(_has_changed, self._way, sound) for sound, _ in kept]
        answered = wait(asked, _ASK_S).done
        # Who has not answered yet is not waited for.
        pool.shutdown(wait=False, cancel_futures=True)
        for (_, result), answer in zip(kept, asked, strict=True):
            if answer not in answered or not answer.result():
                yield result

    def remove(self) -> None:
        """The head has all that was in them."""
        for path in self._taken:
            with contextlib.suppress(OSError):
                path.unlink()
        self.close()

    def close(self) -> None:
        """Leave what is there to others."""
        for lines in self._taken.values():
            with contextlib.suppress(Exception):
                lines.close()
        self._taken.clear()


def sweep(folder: Path, now: datetime) -> None:
    """Remove what nobody has come back for in KEPT."""
    for path in folder.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(OSError, UsageError):
            if _is_ours(path) and now - datetime.fromtimestamp(path.stat().st_mtime, UTC) > KEPT:
                # A crew that lives has it locked.
                lines = DurableLines(path, _MARK)
                path.unlink()
                with contextlib.suppress(AsrcliError):
                    lines.close()


def _is_ours(path: Path) -> bool:
    """Whether nobody else can have written to it."""
    try:
        status = path.lstat()
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode):
        return False
    return sys.platform == "win32" or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


def _read(path: Path) -> Iterator[tuple[object, bytes]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            # What a power cut has left of a line is nothing.
            with contextlib.suppress(ValueError, KeyError, TypeError, zlib.error):
                kept = json.loads(line)
                yield kept[_SOUND], zlib.decompress(base64.b64decode(kept[_RESULT]))


def _has_changed(way: Way, sound: object) -> bool:
    """Whether a file, or what lies at an address, is known to be another one than what was heard."""
    if not isinstance(sound, list):
        return False
    name, state = sound
    if isinstance(state, list):
        now = FileState.of(name)
        # Where a folder is mounted anew the same file has another number.
        return now is not None and not now.is_alike(FileState(*state))
    if not name:
        return False
    with contextlib.suppress(AsrcliError), contextlib.closing(open_remote(name, way)) as remote:
        return remote.identity not in (None, state)
    return False
