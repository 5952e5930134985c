"""Which configuration files there are, read and parsed. What their keys mean is not known here.

`asrcli.toml` in the current folder is the project's, and may have come with somebody's repository;
`asrcli/config.toml` in the user's folder for configuration is their own.
"""

from __future__ import annotations

import functools
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from asrcli.system.folders import user_folder
from asrcli.values.errors import OutputError, UsageError

if TYPE_CHECKING:
    from asrcli.settings.toml_text import Keys, Statement

PROJECT_FILE = "asrcli.toml"
PROJECT: Literal["project"] = "project"
OWN: Literal["own"] = "own"
PRESET: Literal["preset"] = "preset"

Whose = Literal["project", "own", "preset"]

# Far more than there is to set.
_MOST_BYTES = 1 << 20
_UNQUOTED = re.compile(r"\s*(?P<key>[\w.-]+)\s*=\s*(?P<list>\[\s*)?(?P<word>[^\W\d_][\w-]*|[~./@][^\s\"']*)")
_MOST_LEVELS = 100
_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class ConfigFile:
    """A configuration file, which may not exist.

    `values` is what it holds, {} where that cannot be read. `problem` says why not, in one line without the path, and
    `line` where, counted from 1; both are None where nothing is wrong.
    """

    path: Path
    whose: Whose
    exists: bool
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None
    line: int | None = None
    text: str = field(default="", repr=False)

    @functools.cached_property
    def statements(self) -> list[Statement]:
        """What it consists of, in its order."""
        from asrcli.settings.toml_text import statements

        return list(statements(self.text)) if self.values else []

    def line_of(self, *keys: str) -> int | None:
        """The line on which what `keys` lead to is set, counted from 1; None where that is not known."""
        from asrcli.settings.toml_text import line_of

        return line_of(keys, self.statements)


def config_files() -> tuple[ConfigFile, ...]:
    """The project's file and the user's own, which the first outranks. Never raises."""
    return read(Path(PROJECT_FILE), PROJECT), read(user_file(os.environ, _home()), OWN)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # A user whom the system does not know, and no HOME: then there is no such file.
        return Path("~")


def user_file(environ: Mapping[str, str], home: Path) -> Path:
    """Where the user's own file is looked for."""
    return user_folder("XDG_CONFIG_HOME", environ, home) / "asrcli" / "config.toml"


def read(path: Path, whose: Whose) -> ConfigFile:
    """The file at `path`; what is wrong with it is one of its values."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            # A named pipe would be waited for.
            return ConfigFile(path, whose, True, problem=f"it is {_kind(about.st_mode)}, not a file")
        if about.st_size > _MOST_BYTES:
            return ConfigFile(path, whose, True, problem="it is too long for a file of settings")
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return ConfigFile(path, whose, False)
    except OSError as error:
        return ConfigFile(path, whose, True, problem=f"it cannot be read: {error.strerror}")
    try:
        # Windows' editor begins with a mark of the encoding.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return ConfigFile(path, whose, True, problem="it is not UTF-8", line=line)
    return parse(path, whose, text)


def parse(path: Path, whose: Whose, text: str) -> ConfigFile:
    """The file at `path` that holds `text`."""
    # Nearly everybody has no file, and does not wait for what reads one.
    import tomllib

    try:
        values = tomllib.loads(text)
        # Tables in each other, which it reads however many there are, would stop whoever goes through them.
        if _is_deep(values):
            raise RecursionError
        return ConfigFile(path, whose, True, values, text=text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        place = _PLACE.search(reason)
        line = int(place["line"] or text.rstrip("\n").count("\n") + 1) if place else None
        said = _unquoted(text, line) or _PLACE.sub("", reason)
        return ConfigFile(path, whose, True, problem=f"it is not TOML: {said}", line=line)
    except RecursionError:
        return ConfigFile(path, whose, True, problem="it is not TOML: nested too deep")


def _unquoted(text: str, line: int | None) -> str | None:
    """What is said of a text without quotes on `line`, which is what most people forget; None where there is none."""
    found = _UNQUOTED.match(text.split("\n")[line - 1]) if line is not None else None
    if found is None or found["word"] in ("true", "false", "inf", "nan"):
        return None
    if found["word"].lower() in ("true", "false"):
        return "true and false have no capitals"
    # The value itself may be a secret.
    return f'a text needs quotes: {found["key"]} = {"[" * bool(found["list"])}"…"{"]" * bool(found["list"])}'


def _is_deep(values: Mapping[str, Any]) -> bool:
    level: list[Any] = [values]
    for _ in range(_MOST_LEVELS):
        level = [inner for each in level if isinstance(each, dict) for inner in each.values()]
    return bool(level)


def _kind(mode: int) -> str:
    return "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"


def change(path: Path, whose: Whose, edit: Callable[[ConfigFile], str]) -> None:
    """Put what `edit` makes of the file in its place, all at once. Whoever changes it too at the same time waits.

    Raises what `edit` raises, and then changes nothing; OutputError where the file cannot be written.
    """
    from asrcli.system.beside import alone_in, beside, settle

    # The link to a file in somebody's collection of such files stays one.
    target = Path(os.path.realpath(path))
    if whose == PROJECT and not target.is_relative_to(os.path.realpath(path.parent)):
        raise UsageError(f"{path} is a link out of the project's folder", hint="change the file itself with an editor")
    try:
        if not target.parent.is_dir():
            # What is refused leaves no folder behind.
            edit(read(target, whose))
            # Somebody else may make it at the same time.
            target.parent.mkdir(parents=True, exist_ok=True)
        with alone_in(target.parent), beside(target, ".toml") as part:
            part.write_text(edit(read(target, whose)), encoding="utf-8", newline="")
            if target.exists():
                part.chmod(stat.S_IMODE(target.stat().st_mode))
            settle(part)
            part.replace(target)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a configuration file, and what to do; `line` is counted from 1, None where it is not known.

    `instead` are the keys under which the same could stand, where it may not stand for all commands.
    """

    path: Path
    line: int | None
    message: str
    hint: str = ""
    instead: tuple[Keys, ...] = ()

    @property
    def where(self) -> str:
        return str(self.path) if self.line is None else f"{self.path}:{self.line}"

    def error(self, further: int = 0) -> UsageError:
        """It, and that there are as many `further` ones."""
        more = f"{further} more: `asrcli config check`" if further else ""
        return UsageError(f"{self.where}: {self.message}", hint="; ".join(filter(None, (self.hint, more))))
