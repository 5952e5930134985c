"""Options that take a text or the name of a file that holds it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from asrcli.settings.phrases import Hotwords, is_list_id, parse_hotwords, read_lines, weights
from asrcli.values.errors import UsageError

HOTWORDS = "--hotwords"

_SUFFIXES = (".txt", ".text", ".md", ".rst", ".csv", ".tsv", ".json")
# Far more than the service takes of any text.
_MOST_BYTES = 1 << 20


def text_of(given: str, option: str) -> str | None:
    """What the file named `given` holds, without blanks around it; None where it is no file but the text itself.

    Raises UsageError for a file that cannot be read, for what can only be meant as a path and is no file, and for a
    text that cannot be sent.
    """
    path = file_named(given, option)
    return None if path is None else contents(path, option).strip()


def file_named(given: str, option: str) -> Path | None:
    """The file that `given` names; None where it is the text itself. Raises UsageError as `text_of` does.

    What follows an @ is always the name of a file.
    """
    if given.startswith("@"):
        return Path(given[1:])
    path = Path(given)
    try:
        # What a shell makes of <(…) is a named pipe.
        is_file, is_folder = path.is_file() or path.is_fifo(), path.is_dir()
    except (OSError, ValueError):
        # A long text, or one with a NUL in it, is no file name.
        is_file = is_folder = False
    if is_file:
        return path
    if _looks_like_a_path(given):
        reason = "a folder, not a file" if is_folder else "no such file"
        raise UsageError(f"{option} {given}: {reason}", hint="give a file, or a text of more than one word")
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{option} is not valid UTF-8", hint="check the encoding of the terminal or script") from error
    return None


def hotwords_of(given: str, *, make_list: bool = False) -> Hotwords:
    """What `--hotwords` names; what begins as the id of a list does is one, whatever files there are.

    Raises UsageError for a file that is not there or cannot be read, and for what could be meant in several ways.
    """
    path = None if is_list_id(given) else file_named(given, HOTWORDS)
    if path is None:
        return replace(parse_hotwords(given), make_list=make_list)
    read = read_lines(contents(path, HOTWORDS), str(path), HOTWORDS)
    return Hotwords(given, phrases=read, file=path, make_list=make_list)


def check_hotwords(given: str) -> None:
    """Raise UsageError for what `hotwords_of` cannot mean; a file is read when it is used."""
    if is_list_id(given) or file_named(given, HOTWORDS) is None:
        read = parse_hotwords(given)
        if read.list_id is None:
            weights(read.phrases, given)


def _looks_like_a_path(text: str) -> bool:
    if text.startswith(("/", "./", "../", "~/")):
        return "\n" not in text
    one_word = not any(character.isspace() or character in ",:" for character in text)
    return one_word and ("/" in text or text.lower().endswith(_SUFFIXES))


def contents(path: Path, option: str) -> str:
    """The text in `path`, without a mark of its encoding. Raises UsageError where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise UsageError(f"{option} {path} is too long", hint="the names and terms alone will do")
        return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig").read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise UsageError(f"{option} {path} cannot be read: {reason}") from error
