"""From what stands on the command line to a list of sources: folders and patterns become the files they hold."""

from __future__ import annotations

import glob
from pathlib import Path

from asrcli.remote.base import RemoteError, Way
from asrcli.system.file_state import check_name
from asrcli.values.addresses import file_name, is_address, local, shown
from asrcli.values.errors import UsageError
from asrcli.values.source_name import STANDARD_INPUT

# What a folder is searched for. A file that is named itself may have any name.
_SUFFIXES = """
    .wav .flac .ogg .oga .opus .mp3 .mp2 .aiff .aif .aifc .au .snd .caf .w64 .rf64 .voc
    .m4a .m4b .mp4 .mov .aac .amr .webm .mkv .mka .wma .ac3 .3gp .ts .pcm
"""
_LOOKED_FOR = "looked for names ending in .wav .mp3 .m4a .flac and so on"
AUDIO_SUFFIXES = frozenset(_SUFFIXES.split())


def is_source(word: str) -> bool:
    """Whether `word` can only be meant as one: a file, a folder, a sound file's name, standard input, an address."""
    try:
        return (
            word == STANDARD_INPUT
            or is_address(word)
            or Path(word).suffix.lower() in AUDIO_SUFFIXES
            or Path(word).exists()
        )
    except (OSError, ValueError):
        # No file can have such a name.
        return False


def expand(names: list[str], way: Way = Way()) -> list[str]:  # noqa: B008 - it is frozen
    """The sources that `names` stand for, in order. Raises UsageError for a folder or a pattern without audio.

    Of a store its folders and patterns stand for what they hold too, for which it is asked by `way`: RemoteError.
    """
    sources: list[str] = []
    for name in map(local, names):
        if not name:
            raise UsageError("an empty name is no source")
        if name == STANDARD_INPUT:
            sources.append(name)
            continue
        if is_address(name):
            # First: it may be longer than any path.
            sources += _at_address(name, way)
            continue
        path = Path(name)
        check_name(path)
        if path.is_dir():
            sources += _folder(path)
        elif not path.exists() and glob.has_magic(name):
            sources += _pattern(name)
        else:
            sources.append(name)
    if sources.count(STANDARD_INPUT) > 1:
        raise UsageError("- stands for standard input and can be given only once")
    return sources


def _at_address(address: str, way: Way) -> list[str]:
    from asrcli.remote import places

    places.check_address(address)
    try:
        found = places.matching(address, way)
        if found is None:
            # What is called like sound is not asked whether it is a folder.
            inside = None if _is_audio(address) else places.in_folder(address, way)
            return [address] if inside is None else _audio_of(inside, address)
        if not found:
            raise UsageError(f"nothing matches {shown(address)}")
        folders = {each: places.in_folder(each, way) or [] for each in found if each.endswith("/")}
    except RemoteError as error:
        if error.retryable:
            raise
        raise UsageError(error.message, hint=error.hint) from error
    return [name for each in found for name in (_audio_of(folders[each], each) if each in folders else [each])]


def _is_audio(name: str) -> bool:
    return Path(file_name(name) if is_address(name) else name).suffix.lower() in AUDIO_SUFFIXES


def _audio_of(names: list[str], folder: str) -> list[str]:
    """Those of `names`, which are in `folder`, that are called like sound."""
    found = [name for name in names if _is_audio(name)]
    if not found:
        raise UsageError(f"the folder {shown(folder)} holds no audio file", hint=_LOOKED_FOR)
    return found


def _folder(folder: Path) -> list[str]:
    try:
        names = sorted(map(str, folder.iterdir()))
    except OSError as error:
        raise UsageError(f"cannot read the folder {folder}: {error.strerror}") from error
    return _audio_of(names, str(folder))


def _pattern(pattern: str) -> list[str]:
    found = sorted(glob.iglob(pattern, recursive=True))  # noqa: PTH207
    if not found:
        raise UsageError(f"nothing matches {pattern}")
    files = [name for name in found if Path(name).is_file()]
    # Where it matches folders alone they are meant, as they are where the shell puts in what matches.
    return files or [name for folder in found for name in _folder(Path(folder))]
