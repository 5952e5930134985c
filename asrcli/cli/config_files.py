"""Defaults from files: `asrcli.toml` in the current folder, and the user's own `config.toml`.

    model = "paraformer-realtime-v2"     # for file and mic
    stats = true                         # for file, mic and qwen
    [mic]
    device = "usb"                       # for one command
    [profile.late]                       # for --profile late
    retries = 80

What a file says is checked here, where its name is known. What is wrong with it stops no command that is there to mend
it, and no help.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asrcli.cli.commands import SUMMARIES
from asrcli.cli.flags.profile import FLAG, VARIABLE
from asrcli.cli.lazy import LazyCommand
from asrcli.settings.files import ConfigFile, Problem, config_files
from asrcli.values.errors import UsageError

if TYPE_CHECKING:
    from asrcli.cli.config.reading import Commands, Layer, Setting

# Commands that tell of the files and mend them: a broken one does not stop these.
SPARED = {"config", "doctor", "guide", "help"}


@functools.cache
def all_commands() -> Commands:
    """The program's own."""
    return {name: LazyCommand(name, summary) for name, summary in SUMMARIES.items()}


def problems() -> tuple[Problem, ...]:
    """All for which a command is refused in the configuration files there are: the project's first, from the top down.

    What only the environment decides does not count.
    """
    files = config_files()
    found = resolve(all_commands(), files, {})
    return (*found.problems, *unfit(files, found)[0])


def unfit(files: Sequence[ConfigFile], found: Resolved) -> tuple[list[Problem], list[Problem]]:
    """What the models in force lack of what `files` set, in every profile: what is refused, and what is warned of."""
    if found.problems or not any(file.exists for file in files):
        # A value that cannot be is mended first.
        return [], []
    from asrcli.cli.config import fitting

    return fitting.of_all(files, all_commands())


def refuse(found: Resolved, command: str, context: Any) -> None:
    """Raise the UsageError for which `command` cannot run, where there is one; `context` is what Typer made of it."""
    if found.error is not None:
        raise found.error
    settings = found.layer.get(command)
    if not settings:
        return
    from asrcli.cli.config.reading import TRANSCRIBING

    if command in TRANSCRIBING:
        from asrcli.cli.config.fitting import findings

        for finding in findings(context, settings):
            if finding.stops:
                raise finding.problem().error()


@dataclass(frozen=True)
class Resolved:
    """What the files and the profile that was asked for come to.

    `problems` are those of the files: one is no TOML, or has a name that no command has or a value that it cannot
    have. `unknown` is set where there is no profile of that name. The layer is what the rest says.
    """

    layer: Layer = field(default_factory=dict)
    profile: str | None = None
    problems: tuple[Problem, ...] = ()
    unknown: UsageError | None = None

    @property
    def error(self) -> UsageError | None:
        """The first that is wrong, and how many more are."""
        return self.problems[0].error(len(self.problems) - 1) if self.problems else self.unknown


def resolve(
    commands: Commands, files: Sequence[ConfigFile], environ: Mapping[str, str], typed: Sequence[str] = ()
) -> Resolved:
    """What `files` say; `typed` is the command line."""
    asks_for_profile = bool(environ.get(VARIABLE)) or any(word.startswith(FLAG) for word in typed)
    if not asks_for_profile and not any(file.exists for file in files):
        # So it is with nearly everybody, who do not wait for what reads one.
        return Resolved()
    from asrcli.cli.config.precedence import Choice, choose, in_force
    from asrcli.cli.config.reading import Reading

    readings = [Reading(file, commands) for file in files if file.exists]
    wrong = tuple(problem for reading in readings for problem in reading.problems)
    choice, unknown = Choice(), None
    try:
        choice = choose(readings, commands, environ, typed)
    except UsageError as error:
        unknown = error
    return Resolved(in_force(readings, choice, commands, environ, typed), choice.name, wrong, unknown)


def default_map(commands: Commands, layer: Layer) -> dict[str, dict[str, Any]]:
    """Command → option → default, as Typer takes it."""
    return {command: _for_each(commands[command], layer.get(command, {})) for command in commands}


def _for_each(command: Any, settings: Mapping[str, Setting]) -> dict[str, Any]:
    """The values, as they are for a command, and for a group for each of its commands what that one knows."""
    if not settings:
        # Nothing is loaded to find out of what it is nothing.
        return {}
    from asrcli.cli.config.values import options_of

    given = {key: setting.value for key, setting in settings.items()}
    known = {name: options_of(each) for name, each in getattr(command, "commands", {}).items()}
    if not known:
        return given
    return {name: {key: given[key] for key in given if key in options} for name, options in known.items()}
