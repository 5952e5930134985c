"""The Typer application and the way into it. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from asrcli import __version__
from asrcli.cli.first_words import with_command
from asrcli.cli.flags import completions as values
from asrcli.cli.flags.conversion import HELD_BACK
from asrcli.cli.lazy import Commands
from asrcli.output import masking
from asrcli.output.places import streams
from asrcli.runs.exits import exit_code
from asrcli.settings import environment
from asrcli.values.errors import AsrcliError, Bug

app = typer.Typer(
    name="asrcli",
    cls=Commands,
    help="""Live transcription in the shell with Alibaba Cloud's real-time speech recognition.

    `asrcli talk.wav` is `asrcli file talk.wav`. `asrcli help COMMAND` says what a command can do, `asrcli guide` has
    the long texts.
    """,
    # The rich help screens would cost 70 ms at each --help and each completion.
    rich_markup_mode=None,
    no_args_is_help=True,
    # Its scripts cannot complete a name with a space, a colon or a quote in it; see `shells`.
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"asrcli {__version__}")
        raise typer.Exit


def _show_completion(shell: str | None) -> None:
    if shell is not None:
        from asrcli.cli.shells import scripts as shells

        typer.echo(shells.script(shell), nl=False)
        raise typer.Exit


def _install_completion(shell: str | None) -> None:
    if shell is not None:
        from asrcli.cli.shells import scripts as shells

        place = shells.install(shell, os.environ, Path.home())
        typer.echo(f"installed {place}; a new {shell} completes")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", is_eager=True, callback=_show_version, help="Show the version and leave.")
    ] = False,
    install_completion: Annotated[
        str | None,
        typer.Option(
            metavar="bash|zsh|fish",
            is_eager=True,
            callback=_install_completion,
            help="Let this shell complete commands, options, models and microphones.",
            autocompletion=values.choices("bash", "zsh", "fish"),
        ),
    ] = None,
    show_completion: Annotated[
        str | None,
        typer.Option(
            metavar="bash|zsh|fish",
            is_eager=True,
            callback=_show_completion,
            help="Print what that installs.",
            autocompletion=values.choices("bash", "zsh", "fish"),
        ),
    ] = None,
) -> None:
    # The help of all, and completion, read no file.
    from asrcli.cli import config_files as config
    from asrcli.settings.files import config_files

    commands = context.command.commands  # type: ignore[attr-defined]
    # Typer has taken the words of the command out of the context by now.
    typed = context.obj or ()
    found = config.resolve(commands, config_files(), environment.variables(), typed)
    context.default_map = config.default_map(commands, found.layer)
    command = context.invoked_subcommand
    if command is not None and command not in config.SPARED:
        context.meta[HELD_BACK] = functools.partial(config.refuse, found, command)


def main() -> None:
    """The `asrcli` command: runs it and leaves with its exit code."""
    environment.hide_keys()
    streams.occupy()
    streams.guard()
    if sys.argv[1:2] == ["__complete"]:
        # Before anything that reads a configuration file, which may be a broken one.
        from asrcli.cli.shells import completion

        completion.main(typer.main.get_command(app), sys.argv[2:])
    code = run(sys.argv[1:])
    # What is to be done at the end, but without taking the interpreter apart: that is of use to nobody, and a signal
    # that came meanwhile would not end in the exit code that belongs to it.
    atexit._run_exitfuncs()
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every foreseen error becomes one line on standard error."""
    for key in (*environment.known_keys(), *_typed_keys(arguments)):
        masking.learn(key)
    try:
        arguments = with_command(arguments, _command)
        if not arguments:
            return _first_steps()
        result = app(args=arguments, standalone_mode=False, prog_name="asrcli", obj=arguments)
        return result if isinstance(result, int) else 0
    except AsrcliError as error:
        return _say(error, arguments)
    except typer.Abort:
        return 130
    except typer.TyperException as error:
        from asrcli.cli.refusals import help_of, in_our_words

        if (shown := help_of(error)) is not None:
            typer.echo(shown, err=True)
            return 2
        return _say(in_our_words(error, arguments, typer.main.get_command(app)), arguments)
    except KeyboardInterrupt:
        return 130
    except streams.ClosedPipe:
        return 0
    except Exception as raised:
        return _say(Bug.of(raised), arguments)


def _typed_keys(arguments: list[str]) -> Iterator[str]:
    """Keys on the command line, where they are asked for, and where the name of their file is."""
    words = [part for argument in arguments for part in argument.split("=", 1)]
    yield from (word[2:] for word in arguments if word.startswith("-k") and len(word) > 2)
    for option, value in itertools.pairwise(words):
        if option in ("--api-key", "-k") or (option == "--api-key-file" and value.startswith("sk-")):
            yield value


def _say(error: AsrcliError, arguments: list[str]) -> int:
    """One line for people, for a bug its traceback too, and one for a script that asked for JSON; the exit code."""
    from asrcli.output.destination import Destination
    from asrcli.output.formats.jsonl import JsonLines
    from asrcli.output.formats.text import PlainText
    from asrcli.output.output import Output
    from asrcli.output.views.plain import QuietView

    destination = Destination(JsonLines if _wants_json(arguments) else PlainText, streams.StreamSink(sys.stdout))
    output = Output([destination], QuietView(sys.stderr))
    return exit_code(output.error(error))


def _wants_json(arguments: list[str]) -> bool:
    """Whether the line asks for JSON, as far as that can be known of one that is not understood."""
    from asrcli.output.formats.jsonl import JsonLines

    names = [suffix.removeprefix(".") for suffix in JsonLines.suffixes]
    options = ("--format", "--output-format", "-f")
    joined = {f"{option}{'=' if option[1] == '-' else ''}{name}" for option in options for name in names}
    pairs = {*itertools.product(options, names)}
    return not {"--json", "-j", *joined}.isdisjoint(arguments) or not pairs.isdisjoint(itertools.pairwise(arguments))


def _first_steps() -> int:
    """What to try first, on standard error: a script that calls us without a word has forgotten something."""
    import shutil

    from asrcli.cli.help.first_steps import first_steps

    print(first_steps(shutil.get_terminal_size().columns), file=sys.stderr)
    return 2


def _command(name: str) -> Any:
    """Typer's command of that name."""
    return typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
