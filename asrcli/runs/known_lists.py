"""Hotword lists that were made or shown before, kept in the user's state folder so that they are used again.

A JSON file that is written beside its place and moved into it, under a lock. It holds no key and no phrase, but their
hashes; whose list is meant shows in the account.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from asrcli.system.beside import alone_in, beside
from asrcli.system.folders import state_folder
from asrcli.values.hotwords import Hotword

_NAME = "hotword-lists.json"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Account:
    """Whose lists, and where: the address of the HTTP API, and the hash of the key and workspace."""

    place: str
    owner: str


@dataclass(frozen=True, slots=True)
class KnownList:
    """A list of an account. `words` is the hash of its words; `file` the path that they came from, None for others.

    `updated` is when its words were last changed after it was made (ISO 8601), None for never.
    """

    id: str
    place: str
    owner: str
    model: str
    words: str
    count: int
    file: str | None = None
    updated: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for what a file may hold and this cannot be."""
        texts = (self.id, self.place, self.owner, self.model, self.words, self.file or "", self.updated or "")
        if not all(isinstance(text, str) for text in texts) or not isinstance(self.count, int):
            raise ValueError
        if self.updated is not None and datetime.fromisoformat(self.updated).tzinfo is None:
            raise ValueError


def account(place: str, key: str, workspace: str | None) -> Account:
    """The account that `key` opens at `place`."""
    return Account(place, _sha256(["asrcli hotword lists", key, workspace or ""]))


def hash_of(words: Iterable[Hotword]) -> str:
    """The same for the same words, in whatever order."""
    return _sha256(sorted([word.text, word.weight, word.language or ""] for word in words))


def _sha256(document: object) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


class KnownLists:
    """The lists of one account. `tell` gets what is wrong with the file, and what to do; that is no failure."""

    def __init__(self, whose: Account, tell: Callable[[str, str], None]) -> None:
        self.whose = whose
        self._tell = tell
        self._path = state_folder(os.environ, Path.home()) / _NAME
        self._told = False
        self._is_alone = False

    def all(self) -> list[KnownList]:
        """Those of the account, the latest first."""
        whose = (self.whose.place, self.whose.owner)
        return [each for each in reversed(self._read()) if (each.place, each.owner) == whose]

    def find(self, list_id: str) -> KnownList | None:
        return next((each for each in self.all() if each.id == list_id), None)

    def put(self, found: KnownList) -> None:
        """Know this list, or know it anew."""
        with self.alone():
            self._write(found.id, [found])

    def forget(self, list_id: str) -> None:
        with self.alone():
            if self.find(list_id) is not None:
                self._write(list_id, [])

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Other processes that ask for this wait meanwhile. May be entered again from within."""
        if self._is_alone:
            yield
            return
        with contextlib.ExitStack() as stack:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                stack.enter_context(alone_in(self._path.parent))
            except OSError as error:
                self._trouble(error)
            self._is_alone = True
            try:
                yield
            finally:
                self._is_alone = False

    def _write(self, list_id: str, instead: list[KnownList]) -> None:
        others = [each for each in self._read() if (each.id, each.place) != (list_id, self.whose.place)]
        document = {"version": _VERSION, "lists": [dataclasses.asdict(each) for each in (*others, *instead)]}
        try:
            with beside(self._path, ".part") as part:
                part.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
                part.replace(self._path)
        except OSError as error:
            self._trouble(error)

    def _read(self) -> list[KnownList]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except OSError as error:
            self._trouble(error)
            return []
        except UnicodeDecodeError:
            return self._broken()
        try:
            document: Any = json.loads(text)
            if document["version"] != _VERSION:
                raise ValueError
            return [KnownList(**each) for each in document["lists"]]
        except (ValueError, TypeError, KeyError, RecursionError):
            return self._broken()

    def _broken(self) -> list[KnownList]:
        kept = self._path.with_name(f"{_NAME}~")
        with contextlib.suppress(OSError):
            self._path.replace(kept)
        self._tell(
            f"{self._path} is broken: which hotword lists there are is not known any more",
            f"it is kept as {kept.name}; `asrcli vocab show ID` makes a list known again",
        )
        return []

    def _trouble(self, error: OSError) -> None:
        if not self._told:
            self._told = True
            self._tell(
                f"{self._path} cannot be used: {error.strerror}: which hotword lists there are is not kept",
                "`asrcli vocab list` tells; --hotwords takes their ids",
            )
