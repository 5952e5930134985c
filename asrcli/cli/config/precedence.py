"""Who outranks whom.

A flag outranks the profile that was asked for, a profile the environment, that the project's file, and that the user's
own. Who asks for a profile by its name wants what it says, as if they had typed it; a variable is what the shell has
anyway. But a profile of the project's file came with somebody's folder: there the environment outranks it, as it does
all of that file.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asrcli.cli.config.reading import NO_PROFILE, PERSONAL, TRANSCRIBING, Commands, Layer, Reading, Setting
from asrcli.cli.config.values import options_of
from asrcli.cli.flags.profile import FLAG, VARIABLE
from asrcli.settings.files import PRESET, PROJECT, ConfigFile
from asrcli.settings.presets import presets
from asrcli.values.errors import UsageError

# Option → the variables of the environment that outrank a file's value for it.
_VARIABLES = {
    "endpoint": ("DASHSCOPE_WEBSOCKET_BASE_URL",),
    "region": ("DASHSCOPE_WEBSOCKET_BASE_URL",),
    "api_key_file": ("DASHSCOPE_API_KEY", "DASHSCOPE_API_KEY_FILE_PATH"),
    "proxy": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
}

# Option → the flags that it would contradict; who types one of them does not want the file's value.
_CONTRADICTED = {
    "endpoint": ("--region", "--workspace"),
    "opus_bitrate": ("--send",),
    "region": ("--endpoint",),
    "json": ("--format", "--output-format", "-f"),
    "format": ("--json", "-j"),
}
# Option → the options that it would contradict, where a file or a profile of more weight says one of these.
_RIVALS = {
    "endpoint": ("region", "workspace"),
    "region": ("endpoint",),
    "json": ("format",),
    "format": ("json",),
    "max_sentence_silence": ("semantic_punctuation",),
    "multi_threshold": ("semantic_punctuation",),
}


@dataclass(frozen=True)
class Choice:
    """The profile that was asked for: what it is called, and what the files say of it, the most important first."""

    name: str | None = None
    parts: tuple[tuple[ConfigFile, Layer], ...] = ()


def choose(readings: Sequence[Reading], commands: Commands, environ: Mapping[str, str], typed: Sequence[str]) -> Choice:
    """The profile that --profile or a variable names. Raises UsageError where there is none of that name."""
    name, origin = _typed_value(typed, FLAG), FLAG
    if name is None:
        name, origin = environ.get(VARIABLE) or NO_PROFILE, VARIABLE
    if name == NO_PROFILE:
        return Choice()
    given = [(reading.file, reading.profiles[name]) for reading in readings if name in reading.profiles]
    if given:
        return Choice(name, tuple(given))
    on_board = Reading(presets(), commands)
    if name in on_board.profiles:
        return Choice(name, ((on_board.file, on_board.profiles[name]),))
    known = sorted({*on_board.profiles, *itertools.chain.from_iterable(reading.profiles for reading in readings)})
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"choose one of {', '.join(known)}"
    raise UsageError(f"{origin} {name!r}: there is no such profile", hint=hint)


def in_force(
    readings: Sequence[Reading], choice: Choice, commands: Commands, environ: Mapping[str, str], typed: Sequence[str]
) -> Layer:
    """What the files set, of which the first outranks the others, and the profile; less what outranks these."""
    by_variables = {key for key, names in _VARIABLES.items() if any(environ.get(name) for name in names)}
    by_flags = {key for key, flags in _CONTRADICTED.items() if any(_is_typed(flag, typed) for flag in flags)}
    if _names_say_the_forms(typed):
        by_flags |= {"format", "json"}
    merged: Layer = {}
    for file, layer, is_profile in _from_the_lowest(readings, choice):
        outranked = by_flags if is_profile and file.whose != PROJECT else by_flags | by_variables
        for command, given in layer.items():
            kept = {key: setting for key, setting in given.items() if key not in outranked}
            merged[command] = _without_rivals(merged.get(command, {}), kept, file) | kept
    for file, _ in choice.parts:
        if file.whose == PRESET:
            _leave_out_what_models_lack(merged, file, commands, typed)
    return merged


def _from_the_lowest(readings: Sequence[Reading], choice: Choice) -> Iterator[tuple[ConfigFile, Layer, bool]]:
    for reading in reversed(readings):
        yield reading.file, reading.layer, False
    for file, layer in reversed(choice.parts):
        yield file, layer, True


def _without_rivals(below: dict[str, Setting], above: Mapping[str, Setting], file: ConfigFile) -> dict[str, Setting]:
    """Of what stands `below`, what nothing contradicts that `file` sets `above` it."""
    found = {}
    for key, setting in below.items():
        is_contradicted = any(rival in above for rival in _RIVALS.get(key, ()))
        # Where the key and the sound go is not changed by a project, in no way.
        if not is_contradicted or (key in PERSONAL and file.whose == PROJECT):
            found[key] = setting
    return found


def _leave_out_what_models_lack(merged: Layer, preset: ConfigFile, commands: Commands, typed: Sequence[str]) -> None:
    from asrcli.cli.flags import knobs
    from asrcli.settings import catalogue

    for command, settings in merged.items():
        if command not in TRANSCRIBING or not settings:
            continue
        own = settings["model"].value if "model" in settings else options_of(commands[command])["model"].default
        model = catalogue.find(_typed_value(typed, "--model", "-m") or own)
        for key in [key for key in settings if settings[key].file is preset and key in knobs.ROWS]:
            if model is not None and knobs.ROWS[key].name not in model.options:
                del settings[key]


def _typed_value(typed: Sequence[str], *flags: str) -> str | None:
    """What follows the last of `flags`, if one of them is typed."""
    found = None
    for word, following in itertools.zip_longest(typed, typed[1:]):
        for flag in flags:
            is_short = not flag.startswith("--")
            if word == flag:
                found = following
            elif word.startswith(flag if is_short else f"{flag}="):
                found = word[len(flag) + (not is_short) :]
    return found


def _is_typed(flag: str, typed: Sequence[str]) -> bool:
    return any(word == flag or word.startswith(f"{flag}=") for word in typed)


def _names_say_the_forms(typed: Sequence[str]) -> bool:
    """Whether -o is typed, each time with a name that is one for a format: no other one is wanted then."""
    words = [part for word in typed for part in (word.split("=", 1) if word.startswith("--") else [word])]
    names = [value for flag, value in itertools.pairwise(words) if flag in ("-o", "--output")]
    names += [word[2:] for word in words if word.startswith("-o") and word != "-o"]
    if not names:
        return False
    from asrcli.runs.choose_forms import named_by

    return all(named_by(Path(name)) for name in names)
