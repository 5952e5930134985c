"""`asrcli config …`: which settings are in force and why, and the files that they stand in."""

from __future__ import annotations

import json as json_module
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asrcli.cli.commands import SUMMARIES
from asrcli.cli.flags import completions as values
from asrcli.cli.flags.conversion import QuickCommand, QuickGroup
from asrcli.cli.flags.profile import Profile

if TYPE_CHECKING:
    from asrcli.cli.config_files import Resolved
    from asrcli.output.output import Output
    from asrcli.output.settings import InForce
    from asrcli.settings.files import ConfigFile, Problem

config = typer.Typer(
    name="config",
    cls=QuickGroup,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    help="""Show, set and check settings, and say where each comes from.

    \b
    asrcli config                                all that is set
    asrcli config show profiles                  the profiles there are
    asrcli config show mic --profile meeting     every setting of a command
    asrcli config set mic.device usb
    asrcli config set profile.talks.retries 40
    asrcli config check

    A KEY is the name of an option (`model`), of an option of one command (`mic.device`), or of one in a profile
    (`profile.talks.model`, `profile.talks.mic.device`). What is typed outranks the profile that is asked for, that the
    environment, that `asrcli.toml` in the current folder, and that your own file.
    """,
)


@config.callback()
def _overview(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        show()
        typer.echo("`asrcli config set KEY VALUE` changes one; `asrcli config --help` has the rest", err=True)


def _keys(context: typer.Context) -> values.Values:
    from asrcli.cli.config import keys

    return keys.next_parts(context.obj or "")


def _shown(context: typer.Context) -> values.Values:
    from asrcli.cli.config import keys, lookup

    found: dict[str, str] = {}
    for each in (values.commands(), [(lookup.ALL_PROFILES, "all profiles")], keys.next_parts(context.obj or "")):
        found = dict(each) | found  # type: ignore[arg-type]
    return list(found.items())


def _values(context: typer.Context) -> values.Values:
    """What completes the option that the key before it names."""
    from asrcli.cli.config import keys

    return keys.values_of(keys.split(context.params["key"]))


_Json = Annotated[bool, typer.Option("--json", help="One JSON document.")]
_Key = Annotated[str, typer.Argument(metavar="KEY", help="Such as mic.device.", autocompletion=_keys)]
_InProject = Annotated[bool, typer.Option("--project", help="In asrcli.toml in this folder, not in your own file.")]


@config.command(cls=QuickCommand, context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
def show(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND|KEY|profiles",
            help="Every setting of a command, one setting, a profile (profile.NAME) or all profiles; options behind it"
            " count as typed. Without it: all that is set.",
            autocompletion=_shown,
        ),
    ] = None,
    set_only: Annotated[bool, typer.Option("--set-only", help="Leave out what is at its default.")] = False,
    profile: Profile = None,
    json: _Json = False,
) -> None:
    """Show settings in force, their values and where they come from.

    \b
    asrcli config show model
    asrcli config show profile.meeting
    asrcli config show mic
    asrcli config show mic --set-only --profile meeting
    asrcli config show file -m fun-asr-realtime --region cn
    """
    from asrcli.cli.config import documents, shown
    from asrcli.cli.config.lookup import look_up
    from asrcli.cli.config_files import all_commands, default_map, resolve
    from asrcli.settings.environment import variables
    from asrcli.settings.files import config_files

    given, environ, files = words or [], variables(), config_files()
    typed = [*given, *([] if profile is None else ["--profile", profile])]
    found = resolve(all_commands(), files, environ, typed)
    if profile is not None and found.unknown is not None:
        raise found.unknown
    defaults = default_map(all_commands(), found.layer)
    is_command = bool(given) and given[0] in SUMMARIES
    if given and not is_command:
        settings = look_up(given, files, found.layer, defaults, environ, Path.home())
    elif given:
        settings = shown.settings_of(given, found.layer, defaults, environ, Path.home())
        settings = sorted(settings, key=lambda each: not each.is_set)
    else:
        settings = shown.set_anywhere(found.layer, defaults, environ, Path.home())
    if set_only:
        settings = [each for each in settings if each.is_set]
    if json:
        _print_json(documents.of_settings(given, found, files, settings))
    else:
        _print_settings(settings, given[0] if is_command else None)
        _tell(found)


def _print_settings(settings: list[InForce], command: str | None) -> None:
    from asrcli.output.columns import lines
    from asrcli.output.settings import page, row
    from asrcli.output.views import terminal

    is_terminal, for_all = sys.stdout.isatty(), command is None and any(each.commands for each in settings)
    home = Path.home() if is_terminal else None
    rows = [row(each, home) + ((" ".join(each.commands),) if for_all else ()) for each in settings]
    if not settings:
        typer.echo(f"nothing is set; `asrcli config show {command or 'file'}` shows the defaults", err=True)
    elif is_terminal:
        heading = ("setting", "value", "from") + (("for",) if for_all else ())
        typer.echo(page(heading, rows, terminal.size(sys.stdout)[0]))
    else:
        typer.echo(lines(rows))


def _tell(found: Resolved) -> None:
    """What is wrong, beside what could be shown."""
    output = _output()
    for problem in found.problems:
        output.notice(f"{problem.where}: {problem.message}", problem.hint)
    if found.unknown is not None:
        output.notice(found.unknown.message, found.unknown.hint)


@config.command(cls=QuickCommand)
def path(
    own: Annotated[bool, typer.Option("--own", help="Only the path of your own.")] = False,
    project: Annotated[bool, typer.Option("--project", help="Only the path of the project's.")] = False,
    json: _Json = False,
) -> None:
    """Show where the configuration files are looked for, and which there are.

    \b
    asrcli config path
    $EDITOR "$(asrcli config path --own)"        asrcli config check
    """
    from asrcli.cli.config import documents
    from asrcli.output.columns import lines
    from asrcli.output.settings import page
    from asrcli.output.views import terminal
    from asrcli.settings.files import config_files

    files = [file for file in config_files() if not (own or project) or {"own": own, "project": project}[file.whose]]
    if json:
        _print_json([documents.of_file(file) for file in files])
    elif own or project:
        typer.echo("\n".join(os.fspath(file.path.absolute()) for file in files))
    else:
        rows = [(file.whose, os.fspath(file.path.absolute()), _state(file)) for file in files]
        if sys.stdout.isatty():
            typer.echo(page(("whose", "path", "state"), rows, terminal.size(sys.stdout)[0]))
        else:
            typer.echo(lines(rows))


def _state(file: ConfigFile) -> str:
    return file.problem or ("is there" if file.exists else "is not there")


@config.command(cls=QuickCommand)
def check(json: _Json = False) -> int:
    """Tell what is wrong in the configuration files; exit code 1 where something is.

    What would be refused or warned of for its model is told too, in every profile; a warning alone is exit code 0.

    \b
    asrcli config check
    asrcli config check --json
    """
    from asrcli.cli.config import documents
    from asrcli.cli.config_files import all_commands, resolve, unfit
    from asrcli.settings.environment import variables
    from asrcli.settings.files import config_files

    files = config_files()
    found = resolve(all_commands(), files, variables())
    refused, doubted = unfit(files, found)
    problems = [*found.problems, *refused]
    if json:
        told = {"problems": [*map(documents.of_problem, problems)], "warnings": [*map(documents.of_problem, doubted)]}
        _print_json({"files": [*map(documents.of_file, files)], **told})
    else:
        for problem in problems:
            typer.echo(_line(problem, ""))
        for problem in doubted:
            typer.echo(_line(problem, "warning: "))
        for file in files:
            if file.exists and not any(problem.path == file.path for problem in (*problems, *doubted)):
                typer.echo(f"{file.path}: fine")
        if not any(file.exists for file in files):
            typer.echo("there is no configuration file, which is fine")
    if found.unknown is not None:
        _output().notice(found.unknown.message, found.unknown.hint)
    return 1 if problems or found.unknown is not None else 0


def _line(problem: Problem, kind: str) -> str:
    from asrcli.output.masking import mask

    return mask(f"{problem.where}: {kind}{problem.message}{f' ({problem.hint})' if problem.hint else ''}")


@config.command("set", cls=QuickCommand, context_settings={"ignore_unknown_options": True})
def set_value(
    key: _Key,
    value: Annotated[
        list[str],
        typer.Argument(metavar="VALUE", help="One, or several where the option is repeatable.", autocompletion=_values),
    ],
    project: _InProject = False,
) -> None:
    """Write a value into your own file, which keeps its comments and its order.

    \b
    asrcli config set model paraformer-realtime-v2
    asrcli config set mic.device usb
    asrcli config set --project file.language en zh
    asrcli config set profile.talks.retries 40
    """
    from asrcli.cli.config.changes import set_key

    set_key(key, value, in_project=project, output=_output())


@config.command(cls=QuickCommand)
def unset(key: _Key, project: _InProject = False) -> None:
    """Take a value, or a whole table, out of your own file.

    \b
    asrcli config unset mic.device
    asrcli config unset profile.talks
    """
    from asrcli.cli.config.changes import unset_key

    unset_key(key, in_project=project, output=_output())


def _output() -> Output:
    """Where notices go: to standard error, as lines."""
    from asrcli.output.output import Output
    from asrcli.output.views.plain import QuietView

    return Output([], QuietView(sys.stderr))


def _print_json(document: object) -> None:
    from asrcli.output.masking import mask

    typer.echo(mask(json_module.dumps(document, ensure_ascii=False, indent=2)))
