"""Chooses which forms the results have and where each goes, by the options and by what files are called."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from asrcli.output.base import Format
from asrcli.output.formats import REGISTRY
from asrcli.output.places.sinks import is_special
from asrcli.output.sanitize import name as shown
from asrcli.runs.request import OutputOptions
from asrcli.values.choices import choose_one
from asrcli.values.errors import UsageError

STANDARD_OUTPUT = Path("-")
_DEFAULT = "text"
_PAGE = "html"


@dataclass(frozen=True)
class Form:
    """One form of the results: the name of its format, and where it goes; None for files of --output-dir."""

    name: str
    place: Path | None = STANDARD_OUTPUT

    @property
    def format(self) -> type[Format]:
        return REGISTRY[self.name]

    @property
    def file(self) -> Path | None:
        """The one file for all of it, if there is one."""
        return None if self.place == STANDARD_OUTPUT else self.place


def forms_of(options: OutputOptions, folder: Path | None = None) -> list[Form]:
    """The forms that `options` ask for, in `folder` if there is one. Raises UsageError for what cannot be meant."""
    asked = _asked(options)
    if folder is not None:
        if options.output:
            raise UsageError("--output and --output-dir exclude each other", hint="leave one out")
        return [Form(name, None) for name in asked or [_DEFAULT]]
    if not options.output:
        if len(asked) > 1:
            raise _no_place_for(asked)
        return [Form(name) for name in asked or [_DEFAULT]]
    _check_places(options.output)
    named = {path: named_by(path) for path in options.output}
    for path, name in zip([path for path in named if named[path] is None], _for_the_rest(asked, named), strict=True):
        named[path] = name
    return [Form(name or _DEFAULT, path) for path, name in named.items()]


def page_for(form: Form, forms: Sequence[Form]) -> Form | None:
    """The one of `forms` that is a page in a file, where `form` can link to it."""
    if "page" not in form.format.shaped_by:
        return None
    return next((other for other in forms if other.name == _PAGE and other.place != STANDARD_OUTPUT), None)


def embeds(options: OutputOptions, folder: Path | None) -> bool:
    """Whether --embed is given, and a page is made. Raises UsageError as `forms_of`."""
    return options.embed and any(form.name == _PAGE for form in forms_of(options, folder))


def named_by(path: Path) -> str | None:
    """The name of the format that `path` is a name for; None where it says nothing of one."""
    return _by_suffix(path.suffix)


def _by_suffix(suffix: str) -> str | None:
    return next((name for name, form in REGISTRY.items() if suffix.lower() in form.suffixes), None)


def _asked(options: OutputOptions) -> list[str]:
    """The names of formats that are asked for, by themselves or by the ending of their files, each once."""
    asked: list[str] = []
    for word in options.format:
        if (name := _named(word)) is None:
            raise UsageError(f"--format {word!r} is not known", hint=_meant(word))
        if name in asked:
            raise UsageError(f"--format {name} is given twice", hint="leave one out")
        asked.append(name)
    return [*asked, *(["json"] if options.json and "json" not in asked else [])]


def _named(word: str) -> str | None:
    """The format that has `word` for its name or for the ending of its files, without the point."""
    return word if word in REGISTRY else _by_suffix(f".{word}")


def _meant(name: str) -> str:
    """What may be meant by `name`, which is no format: several of them, another spelling, the name of a file."""
    parts = [part for part in re.split(r"[,;+\s]+", name) if part]
    if len(parts) > 1 and all(map(_named, parts)):
        return f"repeat it: {' '.join(f'-f {part}' for part in parts)}"
    if (named := _named(name.removeprefix("."))) is not None:
        return f"here it is -f {named}"
    return choose_one(name, REGISTRY)


def _for_the_rest(asked: Sequence[str], named: dict[Path, str | None]) -> list[str]:
    """A format for each place whose name says none, in their order."""
    taken = [name for name in named.values() if name is not None]
    nameless = [path for path, name in named.items() if name is None]
    left = [name for name in asked if name not in taken]
    if len(asked) == 1 and nameless:
        return [*asked] * len(nameless)
    if not asked:
        for path in nameless:
            _check_suffix(path)
        return [_DEFAULT] * len(nameless)
    if len(left) == len(nameless):
        return left
    if nameless:
        raise _no_place_for(asked)
    first = next(iter(named))
    raise UsageError(
        f"{shown(first)} is a name for {named[first]}, and {left[0]} is asked for",
        hint=f"leave --format out, or end the name in {REGISTRY[left[0]].suffixes[0]}",
    )


def _no_place_for(asked: Sequence[str]) -> UsageError:
    what = f"{', '.join(asked[:-1])} and {asked[-1]} exclude each other in one place"
    return UsageError(what, hint="name a file for each with -o, or a folder for all with --output-dir")


def _check_suffix(path: Path) -> None:
    """Raise UsageError for a name that ends as one for a format which there is not, or that is a format's own."""
    named = _named(path.name)
    if named is not None and named != _DEFAULT and not is_special(path):
        file = path.with_name(f"talk{REGISTRY[named].suffixes[0]}")
        hint = f"the form is -f {named}; a file of that form is -o {shown(file)}"
        raise UsageError(f"--output {shown(path)} names a form where it takes a file", hint=hint)
    if path.suffix and not is_special(path):
        known = ", ".join(suffix for form in REGISTRY.values() for suffix in form.suffixes)
        hint = f"choose a --format, or a name that ends in one of {known}"
        raise UsageError(f"{shown(path)}: no format is known by {shown(path.suffix)}", hint=hint)


def _check_places(places: Sequence[Path]) -> None:
    """Raise UsageError where two of them are one."""
    found: dict[object, Path] = {}
    for place in places:
        for identity in _identities(place):
            other = found.setdefault(identity, place)
            if other is not place:
                same = "is given twice" if other == place else f"is the same file as {shown(other)}"
                raise UsageError(f"--output {shown(place)} {same}", hint="leave one out")


def _identities(place: Path) -> Iterator[object]:
    """What `place` has in common with whatever is the same file."""
    with contextlib.suppress(OSError):
        if place == STANDARD_OUTPUT:
            yield place
            state = os.fstat(sys.stdout.fileno())
        else:
            yield os.path.realpath(place)
            state = place.stat()
        if stat.S_ISREG(state.st_mode):
            yield state.st_dev, state.st_ino
