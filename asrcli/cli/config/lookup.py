"""What `asrcli config show` finds under a word that is no command: a setting, a profile, all profiles."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from asrcli.cli.commands import SUMMARIES
from asrcli.cli.config import keys as all_of_them
from asrcli.cli.config.precedence import choose
from asrcli.cli.config.reading import NO_PROFILE, PROFILES, Layer, Reading
from asrcli.cli.config.shown import across, from_file, masked
from asrcli.cli.config_files import all_commands
from asrcli.cli.flags.completions import profiles
from asrcli.cli.flags.profile import FLAG
from asrcli.output.settings import InForce
from asrcli.settings.files import ConfigFile
from asrcli.settings.toml_text import Keys
from asrcli.values.errors import UsageError

ALL_PROFILES = "profiles"
"""The word for a list of them."""


def look_up(
    words: Sequence[str],
    files: Sequence[ConfigFile],
    layer: Layer,
    defaults: Mapping[str, Any],
    environ: Mapping[str, str],
    home: Path,
) -> list[InForce]:
    """What the first of `words` means: `profiles`, `profile.talks` or a part of it, or the key of a setting.

    Options that follow a key count as typed. Raises UsageError for what there is not.
    """
    word, *rest = words
    if word in (ALL_PROFILES, PROFILES):
        return list(_all_profiles(files))
    keys = all_of_them.split(word)
    if keys[0] == PROFILES:
        return [each for each, within in _of_profile(keys[1], files) if within[: len(keys) - 2] == keys[2:]]
    if len(keys) > 2 or all_of_them.option_of(keys) is None:
        raise _nothing(word)
    name = keys[-1].replace("-", "_")
    # What is typed is typed for a transcription; the others have fewer options.
    others = {each for each in SUMMARIES if name in layer.get(each, {}) and not rest}
    having = [each for each in SUMMARIES if each in others or all_of_them.is_common(each, name)]
    commands = [keys[0]] if len(keys) == 2 else having
    return across(commands, lambda each: each.name == name, rest, layer, defaults, environ, home)


def _all_profiles(files: Sequence[ConfigFile]) -> Iterator[InForce]:
    """Each with the names of what it sets."""
    for each in profiles():
        name = each[0]
        if name != NO_PROFILE:
            found = list(_of_profile(name, files))
            if found:
                value = [".".join(within) for _, within in found]
                yield dataclasses.replace(found[0][0], name=f"{PROFILES}.{name}", value=value, line=None)


def _of_profile(name: str, files: Sequence[ConfigFile]) -> Iterator[tuple[InForce, Keys]]:
    """What it sets, each once, and the keys of that within it."""
    commands = all_commands()
    readings = [Reading(file, commands) for file in files if file.exists]
    seen: set[Keys] = set()
    for _, part in choose(readings, commands, {}, (FLAG, name)).parts:
        for settings in part.values():
            for option, setting in settings.items():
                within = (*setting.keys[2:-1], option)
                if within not in seen:
                    seen.add(within)
                    found = masked(from_file(option, setting.value, setting))
                    yield dataclasses.replace(found, name=".".join((PROFILES, name, *within))), within


def _nothing(word: str) -> UsageError:
    known = {*SUMMARIES, ALL_PROFILES, *(key for key, _ in all_of_them.all_keys())}
    nearest = difflib.get_close_matches(word, known, n=1)
    return UsageError(
        f"there is no {'setting' if '.' in word else 'command'} {word!r}",
        hint=f"did you mean {nearest[0]}?" if nearest else "",
    )
