"""What lies at an address, by its scheme; and the lines of a text, wherever that lies."""

from __future__ import annotations

import codecs
import contextlib
import functools
import glob
import importlib
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.remote.base import Halt, NothingThere, Remote, RemoteError, Way
from asrcli.remote.fetch import Fetch
from asrcli.remote.tries import tried
from asrcli.system.beside import beside
from asrcli.system.durable_lines import DurableLines, check_lines
from asrcli.values.addresses import is_address, local, scheme, shown
from asrcli.values.errors import UsageError
from asrcli.values.source_name import STANDARD_INPUT, label
from asrcli.wire.retry import Retry

if TYPE_CHECKING:
    from asrcli.remote.stored_lines import StoredLines

__all__ = [
    "check_address",
    "check_store",
    "fetch",
    "in_folder",
    "is_address",
    "lines",
    "listed",
    "matching",
    "open_lines",
    "open_remote",
    "read_lines",
    "shown",
    "write_lines",
]

# Scheme → the module whose function `open_remote` opens such an address; loaded when one is.
_MODULES = {
    "https": "https",
    "http": "https",
}
# Those of stores that are named where somebody asks for another; there are more, see `stores.knows`.
_STORES = ("s3", "oss", "gs", "memory")
# A text whose lines are longer is none.
_MOST_LINE_BYTES = 16 << 20
_PIECE_BYTES = 1 << 16
# A listing of a folder may be long.
_WORTH_LISTING = 20


def check_address(address: str) -> None:
    """Raise UsageError for an address that nothing here can read, as far as that shows in it."""
    if scheme(address) == "file":
        raise UsageError(f"that is a file of another machine: {shown(address)}", hint="file:///path is one of this")
    if _module(address) is None:
        known = [f"{each}://" for each in (*_MODULES, *_STORES)]
        raise UsageError(
            f"no address of that kind can be read: {shown(address)}",
            hint=f"{', '.join(known)} can; else fetch it: `curl -L {shlex.quote(shown(address))} | asrcli file -`",
        )


def in_folder(address: str, way: Way = Way()) -> list[str] | None:  # noqa: B008 - it is frozen
    """The addresses of all that is right in a folder of a store, by name; None where `address` is none. RemoteError."""
    if scheme(address) in _MODULES:
        return None
    from asrcli.remote import stores

    retry = Retry(tries=way.retries)
    if not address.endswith("/") and not tried(lambda: stores.is_folder(address), retry):
        return None
    return [each.address for each in tried(lambda: stores.in_folder(address), retry)]


def matching(address: str, way: Way = Way()) -> list[str] | None:  # noqa: B008 - it is frozen
    """The addresses that a pattern matches in a store, by name; None where `address` is none. Raises RemoteError.

    Where it matches folders alone they are those, and end in a slash.
    """
    if scheme(address) in _MODULES or not glob.has_magic(address):
        return None
    from asrcli.remote import stores

    retry = Retry(tries=way.retries)
    if tried(lambda: stores.size_of(address), retry) is not None:
        return None
    return tried(lambda: stores.matching(address), retry)


def listed(addresses: Iterable[str], way: Way = Way()) -> dict[str, str]:  # noqa: B008 - it is frozen
    """The identities of objects of stores, where many of them are in one folder and the store tells them in a list."""
    folders: dict[str, set[str]] = {}
    for address in addresses:
        if scheme(address) not in _MODULES:
            folders.setdefault(address.rpartition("/")[0] + "/", set()).add(address)
    found: dict[str, str] = {}
    for folder, wanted in folders.items():
        if len(wanted) >= _WORTH_LISTING:
            from asrcli.remote import stores

            with contextlib.suppress(RemoteError):
                entries = tried(functools.partial(stores.in_folder, folder), Retry(tries=way.retries))
                found |= {each.address: each.identity for each in entries if each.identity and each.address in wanted}
    return found


def _module(address: str) -> str | None:
    """The name of what opens such an address; None where nothing does."""
    kind = scheme(address)
    if kind in _MODULES or kind in _STORES:
        return _MODULES.get(kind, "stores")
    from asrcli.remote import stores

    return "stores" if stores.knows(kind) else None


def open_remote(address: str, way: Way = Way(), halt: Halt | None = None) -> Remote:  # noqa: B008 - it is frozen
    """Look at what lies at `address`: one small request, and one try. `halt` ends that, and all reading of it.

    Raises RemoteError, and UsageError for an address that nothing here can read.
    """
    check_address(address)
    module = importlib.import_module(f"asrcli.remote.{_module(address)}")
    opened: Callable[[str, Way, Halt], Remote] = module.open_remote
    return opened(address, way, halt or Halt())


def fetch(
    address: str, way: Way, known: str | None = None, told: Callable[[str], None] = lambda message: None
) -> Fetch:
    """The bytes at `address`, whatever breaks on the way; see Fetch. Nothing is asked for yet."""
    return Fetch(address, open_remote, way, known=known, told=told)


def lines(place: str, way: Way = Way()) -> Iterator[str]:  # noqa: B008 - it is frozen
    """The lines of the text at `place`, a path, an address, or - for standard input, without their ends.

    In UTF-8, with or without a mark of that. Raises UsageError where it cannot be read or is no such text, and
    RemoteError.
    """
    place = local(place)
    number = 0
    for number, line in enumerate(_lines(_pieces(place, way), place), 1):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{label(place)}: line {number} is not UTF-8", hint="convert it, for example with iconv"
            ) from error
        yield text.removesuffix("\r")


def read_lines(place: str, key: str | None = None, way: Way = Way()) -> Iterator[bytes]:  # noqa: B008 - it is frozen
    """The lines of results at `place`, in order, without their ends: of the object or file of that name, then of parts.

    Raises NothingThere where there is neither, RemoteError, and UsageError for a file that cannot be read, or is
    somebody else's by `key`; see DurableLines.
    """
    place = local(place)
    if not is_address(place):
        if not os.path.lexists(place):
            raise NothingThere(f"there is no file {place}")
        if key is not None:
            check_lines(place, key)
    if not is_address(place) or scheme(place) in _MODULES:
        yield from _lines(_pieces(place, way), place)
        return
    from asrcli.remote import stored_lines, stores

    retry = Retry(tries=way.retries)
    check_address(place)
    parts = stored_lines.parts(place, retry)
    if tried(lambda: stores.size_of(place), retry) is not None:
        yield from _lines(_pieces(place, way), place)
    elif not parts:
        raise NothingThere(f"there is nothing at {shown(place)}")
    yield from stored_lines.lines_of(parts, retry)


def open_lines(place: str, key: str) -> DurableLines | StoredLines:
    """Lines to append to at `place`, a path or the address of a store. `key`: see DurableLines. Raises UsageError."""
    place = local(place)
    if not is_address(place):
        return DurableLines(place, key)
    check_store(place)
    from asrcli.remote.stored_lines import StoredLines

    return StoredLines(place)


def write_lines(place: str, lines: Iterable[str], way: Way = Way()) -> None:  # noqa: B008 - it is frozen
    """Write a text to `place`, a path or the address of a store: it is there as a whole or not at all.

    What was there is gone then. Raises UsageError, RemoteError, and OSError of the disk here.
    """
    place = local(place)
    with contextlib.ExitStack() as stack:
        if not is_address(place):
            path = stack.enter_context(beside(Path(place), ".part"))
            _write(path, lines)
            path.replace(place)
            return
        check_store(place)
        from asrcli.remote import stores

        path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asrcli-"))) / "lines"
        _write(path, lines)
        tried(lambda: stores.put_file(place, path), Retry(tries=way.retries))


def _write(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def check_store(place: str) -> None:
    """Raise UsageError for an address that nothing can be written to."""
    check_address(place)
    if scheme(place) in _MODULES:
        raise UsageError(
            f"nothing can be written to {shown(place)}", hint="name a file, or an object of a store such as s3://"
        )


def _lines(pieces: Iterable[bytes], place: str) -> Iterator[bytes]:
    rest, is_first = b"", True
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.removeprefix(codecs.BOM_UTF8) if is_first else line
            is_first = False
        if len(rest) > _MOST_LINE_BYTES:
            raise UsageError(f"{label(place)} is no text: a line of it is longer than {_MOST_LINE_BYTES >> 20} MB")
    if rest:
        yield rest.removeprefix(codecs.BOM_UTF8) if is_first else rest


def _pieces(place: str, way: Way) -> Iterator[bytes]:
    if is_address(place):
        with contextlib.closing(fetch(place, way)) as fetched:
            yield from iter(fetched.read, b"")
        return
    try:
        with contextlib.ExitStack() as stack:
            file = sys.stdin.buffer if place == STANDARD_INPUT else stack.enter_context(Path(place).open("rb"))
            yield from iter(lambda: file.read(_PIECE_BYTES), b"")
    except (OSError, ValueError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is closed"
        raise UsageError(f"cannot read {label(place)}: {reason}") from error
