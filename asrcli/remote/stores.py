"""Objects of a store (s3://, oss://, gs://, memory:// and others), by way of fsspec, which has a library for each.

Each function makes one try, and raises RemoteError. Loading fsspec and the library of S3 takes half a second, so that
nothing imports them before there is such an address.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asrcli.remote.base import Halt, NothingThere, RemoteError, Way
from asrcli.remote.store_errors import translated, unavailable
from asrcli.system.file_state import changed
from asrcli.values.addresses import scheme as scheme_of
from asrcli.values.addresses import shown
from asrcli.values.errors import AsrcliError

# Of a source that is heard at its own pace it is some seconds, and a thousand of them fit into the memory.
_BLOCK_BYTES = 256 << 10
# Loggers of libraries that would print on their own what is an error of ours, or has to do with nobody.
_LOGGERS = ("fsspec", "asyncio", "aiohttp", "botocore", "aiobotocore")
_WITHOUT_PATTERN = re.compile(r"/[^/]*[*?[].*")
_lock = threading.Lock()
_file_systems: dict[str, Any] = {}


def _options(kind: str) -> dict[str, object]:
    """What the library of a kind of store is told, besides what it finds out by itself.

    One try, and no longer than a person waits: whoever calls knows whether there is to be another.
    """
    if kind in ("s3", "s3a"):
        # As many connections as there may be reads at once.
        config = {"connect_timeout": 10, "read_timeout": 30, "max_pool_connections": 64}
        return {"config_kwargs": {**config, "retries": {"total_max_attempts": 1, "mode": "standard"}}}
    if kind == "oss":
        # Unlike the vendor's own tools it does not look for them.
        names = {"key": "OSS_ACCESS_KEY_ID", "secret": "OSS_ACCESS_KEY_SECRET", "token": "OSS_SESSION_TOKEN"}
        return {option: os.environ[name] for option, name in names.items() if os.environ.get(name)}
    return {}


@dataclass(frozen=True, slots=True)
class Entry:
    """An object, as a listing tells of it. `identity` is that of Remote, where it is the same in a listing."""

    address: str
    size_bytes: int
    identity: str | None = field(default=None, compare=False)


def knows(scheme: str) -> bool:
    """Whether there is a library for such addresses, installed or not; False without fsspec."""
    try:
        from fsspec.registry import known_implementations
    except ImportError:
        return False
    return scheme in known_implementations


def open_remote(address: str, way: Way, halt: Halt) -> Stored:
    """What is at `address`. Raises RemoteError. The way there is the library's own affair."""
    return Stored(address, halt)


class Stored:
    """An object of a store as it was found when it was first looked at; a Remote."""

    def __init__(self, address: str, halt: Halt) -> None:
        """Raises NothingThere, and RemoteError where it cannot be looked at or is a folder."""
        self.address = address
        self.has_ranges = True
        self._halt = halt
        self._file_system, self._path = _at(address)
        found = self._look()
        if found.get("type") == "directory":
            raise translated(IsADirectoryError(), address, "read")
        self.size_bytes: int | None = found.get("size")
        self.identity = _identity(found)

    def read_from(self, offset: int) -> Iterator[bytes]:
        """See Remote. A store is asked for one block after another."""
        if offset == self.size_bytes:
            return
        options = {"block_size": _BLOCK_BYTES, "cache_type": "none"}
        file = self._call(self._file_system.open, self._path, "rb", **options)
        try:
            # Not every library holds on to the object that it has opened, so it is looked at in the end, too.
            self._check(self._call(getattr, file, "details", None) or self._look())
            self._call(file.seek, offset)
            while block := self._call(file.read, _BLOCK_BYTES):
                offset += len(block)
                yield block
        finally:
            file.close()
        self._check(self._look())
        if self.size_bytes is not None and offset < self.size_bytes:
            raise _too_short(self.address, offset, self.size_bytes)

    def close(self) -> None:
        """See Remote. There is nothing to free: the connections are those of all."""

    def _check(self, found: Mapping[str, Any]) -> None:
        if _identity(found) != self.identity:
            raise changed(self.address)

    def _look(self) -> Mapping[str, Any]:
        # What was listed before may be known as it was then.
        self._file_system.invalidate_cache(self._path)
        found: Mapping[str, Any] = self._call(self._file_system.info, self._path)
        return found

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:

        def work() -> Any:
            try:
                return function(*arguments, **options)
            except AsrcliError:
                raise
            except BaseException as error:
                raise translated(error, self.address, "read") from error

        return self._halt.awaited(work, self.address)


def put(address: str, content: bytes) -> None:
    """Write an object, in the place of one that may be there; it is there as a whole or not at all."""
    file_system, path = _at(address)
    try:
        file_system.pipe_file(path, content)
    except Exception as error:
        raise translated(error, address, "write") from error


def put_file(address: str, file: Path) -> None:
    """As `put`, with the content of a file here."""
    file_system, path = _at(address)
    try:
        file_system.put_file(str(file), path)
    except Exception as error:
        raise translated(error, address, "write") from error


def remove(address: str) -> None:
    """Remove an object."""
    file_system, path = _at(address)
    try:
        file_system.rm_file(path)
    except Exception as error:
        raise translated(error, address, "remove") from error


def get(entry: Entry) -> bytes:
    """All of an object that was listed. Raises RemoteError where it has another length now."""
    if not entry.size_bytes:
        # A store has no such range.
        return b""
    file_system, path = _at(entry.address)
    try:
        content: bytes = file_system.cat_file(path, start=0, end=entry.size_bytes)
    except Exception as error:
        raise translated(error, entry.address, "read") from error
    if len(content) != entry.size_bytes:
        raise _too_short(entry.address, len(content), entry.size_bytes)
    return content


def in_folder(address: str) -> list[Entry]:
    """The objects right in a folder, by name; none where there is no such folder."""
    file_system, path = _at(address)
    try:
        file_system.invalidate_cache(path)
        found = file_system.ls(path, detail=True)
    except Exception as error:
        problem = translated(error, address, "list")
        if isinstance(problem, NothingThere):
            return []
        raise problem from error
    # A folder that was made as such is an object of no bytes in some stores, which stands in its own listing.
    return _entries(address, [each for each in found if each["name"].strip("/") != path.strip("/")])


def matching(pattern: str) -> list[str]:
    """The addresses of the objects that match; where it matches folders alone, theirs, which end in a slash."""
    file_system, path = _at(pattern)
    try:
        file_system.invalidate_cache()
        found = list(file_system.glob(path, detail=True).values())
    except Exception as error:
        raise translated(error, pattern, "list") from error
    if not found:
        # That there is no such bucket is not told there.
        in_folder(_WITHOUT_PATTERN.sub("/", pattern))
    files = [each.address for each in _entries(pattern, found)]
    return files or sorted(f"{_address(pattern, each['name'].rstrip('/'))}/" for each in found)


def size_of(address: str) -> int | None:
    """The bytes of an object; None where there is none, or a folder."""
    file_system, path = _at(address)
    try:
        file_system.invalidate_cache(path)
        found = file_system.info(path)
    except FileNotFoundError:
        return None
    except Exception as error:
        raise translated(error, address, "read") from error
    return None if found.get("type") == "directory" else found.get("size")


def is_folder(address: str) -> bool:
    """Whether there is a folder, and no object, of that name."""
    file_system, path = _at(address)
    try:
        file_system.invalidate_cache(path)
        return bool(file_system.info(path).get("type") == "directory")
    except FileNotFoundError:
        return False
    except Exception as error:
        raise translated(error, address, "list") from error


def _too_short(address: str, there: int, size_bytes: int) -> RemoteError:
    return RemoteError(f"{shown(address)} ends after {there} of {size_bytes} bytes", retryable=True)


def _entries(address: str, found: list[dict[str, Any]]) -> list[Entry]:
    entries = (
        Entry(_address(address, each["name"]), each.get("size") or 0, _mark(each))
        for each in found
        if each.get("type") == "file"
    )
    return sorted(entries, key=lambda each: each.address)


def _address(beginning: str, path: str) -> str:
    """The address of `path`, which is one of the file system of the address `beginning`."""
    file_system, its_path = _at(beginning)
    whole, its_path, path = beginning.rstrip("/"), its_path.strip("/"), path.lstrip("/")
    return whole.removesuffix(its_path) + path if whole.endswith(its_path) else str(file_system.unstrip_protocol(path))


def _at(address: str) -> tuple[Any, str]:
    """The file system that an address is one of, and its path there. One for all threads: fsspec would make many."""
    scheme = scheme_of(address)
    address = scheme + address[len(scheme) :]
    try:
        import fsspec

        kind = fsspec.get_filesystem_class(scheme)
    except (ImportError, ValueError) as error:
        raise unavailable(error, address) from error
    try:
        options = {**_options(scheme), **kind._get_kwargs_from_urls(address)}
        key = f"{scheme} {sorted(options.items())}"
        with _lock:
            if key not in _file_systems:
                for name in (*_LOGGERS, kind.__module__.partition(".")[0]):
                    logging.getLogger(name).addHandler(logging.NullHandler())
                _file_systems[key] = kind(**options, skip_instance_cache=True)
                if hasattr(kind, "retries"):
                    _file_systems[key].retries = 1
            return _file_systems[key], kind._strip_protocol(address)
    except Exception as error:
        raise translated(error, address, "read") from error


def _identity(found: Mapping[str, Any]) -> str | None:
    """What a change of the bytes would show in, of what a store tells of an object."""
    for name in ("LastModified", "last_modified", "mtime", "created"):
        if _mark(found) is None and found.get(name):
            return f"time:{found[name]}:{found.get('size')}"
    return _mark(found)


def _mark(found: Mapping[str, Any]) -> str | None:
    """What a store gives to each object anew; unlike a time, it is written in the same way everywhere."""
    names = (name for name in ("ETag", "etag", "generation") if found.get(name))
    return next((f"{name.lower()}:{found[name]}" for name in names), None)
