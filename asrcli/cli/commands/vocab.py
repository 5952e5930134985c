"""`asrcli vocab …`: hotword lists at the service. What a list may hold is the business of settings.hotword_rules."""

from __future__ import annotations

import json as json_module
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asrcli.cli.flags import completions as values
from asrcli.cli.flags.conversion import QuickCommand, QuickGroup
from asrcli.cli.flags.grouping import grouped
from asrcli.cli.flags.service import AccessFlags
from asrcli.settings.catalogue import DEFAULT_MODEL
from asrcli.settings.hotword_rules import DEFAULT_PREFIX
from asrcli.values.errors import Interrupted, ServiceError, UsageError

if TYPE_CHECKING:
    from asrcli.output.output import Output
    from asrcli.settings.phrases import Phrases

vocab = typer.Typer(
    name="vocab",
    cls=QuickGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="""Make, list, change and delete hotword lists at the service.

    \b
    asrcli vocab check names.txt                 what would be refused?
    asrcli vocab create names.txt                prints the ID of the list
    asrcli mic --hotwords vocab-…                uses it

    A FILE holds a phrase a line, with a weight if need be: `Ada Lovelace`, `Ada Lovelace:5`, or with tabs between
    phrase, weight and language. Lines that begin with # do not count; - is standard input.

    \b
      weight     1 to 5, usually 4; 50 with Qwen-Audio, for at most 50 phrases
      phrase     at most 15 characters if any is not ASCII, else at most 7 words
      list       500 or 2000 phrases, by model; an account has at most 10 lists

    A list acts only with the model that it was made for, and can be changed once in five minutes.
    """,
)

_Given = Annotated[str, typer.Argument(metavar='FILE|"a,b:5"', help="The phrases, or a file of them.")]
_File = Annotated[str, typer.Argument(metavar="FILE", help="A file of phrases.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The id of a list, vocab-…")]
_Model = Annotated[
    str, typer.Option("--model", "-m", metavar="NAME", help="The model it is for.", autocompletion=values.models)
]
_Json = Annotated[bool, typer.Option("--json", "-j", help="One JSON document.")]
_Language = Annotated[
    str | None,
    typer.Option(
        "--language", "--lang", "-l", metavar="CODE", help="Language of phrases that name none [the service sees]."
    ),
]


@vocab.command(cls=QuickCommand)
@grouped
def create(
    phrases: _Given,
    access: AccessFlags,
    model: _Model = DEFAULT_MODEL,
    prefix: Annotated[
        str, typer.Option(metavar="NAME", help="What its id begins with after vocab-: a-z, 0-9, at most 10.")
    ] = DEFAULT_PREFIX,
    language: _Language = None,
    json: _Json = False,
) -> None:
    """Make a list, and print its id."""
    from asrcli.runs.hotword_lists import hotword_lists, region_of
    from asrcli.settings import hotword_rules as rules
    from asrcli.settings.endpoints import models_region
    from asrcli.settings.phrases import in_languages

    # One that is closed is told of before a list is made, whose id nobody would see.
    sys.stdout.write("")
    output = _output()
    region = models_region(region_of(access.options()))
    known, warnings = rules.model_for_lists(model)
    rules.check_prefix(prefix)
    if language is not None:
        rules.check_language(language, known)
    if known.regions and region is not None and region not in known.regions:
        warnings.append(f"{model} is not in the region {region}, but in {' and '.join(known.regions)}")
    read, file = _read(phrases, output)
    words = tuple(in_languages(rules.checked(read, known, phrases), language))
    for warning in warnings:
        output.notice(warning)
    with hotword_lists(access.options(), output) as lists:
        try:
            made = lists.create(model, prefix, words, file)
        except KeyboardInterrupt as interrupt:
            raise Interrupted(
                signal.SIGINT,
                f"ended while the list was being made; `asrcli vocab list --prefix {prefix}` tells whether it is there",
            ) from interrupt
    if made.seen is not None:
        output.notice(f"{made.seen.reason.rstrip('.')}; but the list is there")
    if json:
        _print_json({"id": made.id, "model": model, "phrases": len(words)})
    else:
        # First, since it is there too where standard output takes nothing.
        output.say(f"{_count(len(words))} for {model}; use it with: --model {model} --hotwords {made.id}")
        typer.echo(made.id)


@vocab.command("list", cls=QuickCommand)
@grouped
def list_all(
    access: AccessFlags,
    prefix: Annotated[str | None, typer.Option(metavar="NAME", help="Only those made with this prefix.")] = None,
    long: Annotated[bool, typer.Option("--long", help="Ask for the model and the phrases of each, too.")] = False,
    json: Annotated[bool, typer.Option("--json", "-j", help="One JSON array.")] = False,
) -> None:
    """List the lists of the account in the region."""
    from asrcli.output import hotword_lists as shown
    from asrcli.runs.hotword_lists import hotword_lists

    with hotword_lists(access.options(), _output()) as lists:
        found = lists.all(prefix)
        if long:
            found = [lists.show(each.id) for each in found]
    if json:
        _print_json([shown.document(each) for each in found])
    elif not found:
        typer.echo("there are no hotword lists", err=True)
    elif sys.stdout.isatty():
        typer.echo(shown.table(shown.LONG_HEADING if long else shown.LIST_HEADING, [*map(shown.list_row, found)]))
    else:
        typer.echo(shown.lines(map(shown.list_row, found)))


@vocab.command(cls=QuickCommand)
@grouped
def show(list_id: _Id, access: AccessFlags, json: _Json = False) -> None:
    """Show the phrases of a list, in a pipe as `update` takes them."""
    from asrcli.output import hotword_lists as shown
    from asrcli.output.sanitize import sanitize
    from asrcli.runs.hotword_lists import hotword_lists

    _check_ids([list_id])
    with hotword_lists(access.options(), _output()) as lists:
        found = lists.show(list_id)
    words = found.words or ()
    if json:
        _print_json(shown.document(found))
    elif sys.stdout.isatty():
        typer.echo(
            f"{sanitize(shown.about(found))}\n\n{shown.table(shown.WORD_HEADING, [*map(shown.word_row, words)])}"
        )
    else:
        typer.echo(shown.lines([(f"# {shown.about(found)}",), *map(shown.file_row, words)]))


@vocab.command(cls=QuickCommand)
@grouped
def update(list_id: _Id, phrases: _Given, access: AccessFlags, language: _Language = None, json: _Json = False) -> None:
    """Put other phrases in place of all that are in a list."""
    from asrcli.runs.hotword_lists import changed_lately, hotword_lists
    from asrcli.settings import hotword_rules as rules
    from asrcli.settings.phrases import in_languages

    output = _output()
    _check_ids([list_id])
    read, file = _read(phrases, output)
    with hotword_lists(access.options(), output) as lists:
        before = lists.show(list_id)
        known, _ = rules.model_for_lists(before.model or "")
        if language is not None:
            rules.check_language(language, known)
        words = tuple(in_languages(rules.checked(read, known, phrases), language))
        if changed_lately(before):
            output.notice("the list was changed less than five minutes ago; the service may not take another change")
        lists.update(list_id, known.name, words, file)
    if json:
        _print_json({"id": list_id, "model": before.model, "phrases": len(words), "before": len(before.words or ())})
    else:
        output.say(f"{list_id}: {_count(len(words))} in place of {len(before.words or ())}, for {before.model}")


@vocab.command(cls=QuickCommand)
@grouped
def delete(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The ids of lists, vocab-…")],
    access: AccessFlags,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: _Json = False,
) -> int:
    """Delete lists, after a question unless --yes is given."""
    from asrcli.output.wording import error_line
    from asrcli.runs.exits import exit_code
    from asrcli.runs.hotword_lists import hotword_lists

    _check_ids(ids)
    once = list(dict.fromkeys(ids))
    if not yes:
        if not (sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError("deleting asks first, and there is nobody to ask", hint="add --yes")
        typer.confirm(f"Delete {', '.join(once)}?", abort=True, err=True)
    failed, told = 0, list[dict[str, object]]()
    try:
        with hotword_lists(access.options(), _output()) as lists:
            for each in once:
                try:
                    lists.delete(each)
                except ServiceError as error:
                    # The others may be there.
                    failed = failed or exit_code(error)
                    typer.echo(error_line(error, each), err=True)
                    told.append({"id": each, "deleted": False, "code": error.code, "message": error.message})
                else:
                    typer.echo(f"{each}: deleted", err=True)
                    told.append({"id": each, "deleted": True})
    finally:
        # What is deleted is told, also where the connection is lost before the rest is.
        if json and told:
            _print_json(told)
    return failed


@vocab.command(cls=QuickCommand)
def check(phrases: _File, model: _Model = DEFAULT_MODEL, json: _Json = False) -> int:
    """Tell what the service would refuse, without asking it."""
    from asrcli.settings import hotword_rules as rules

    output = _output()
    known, warnings = rules.model_for_lists(model)
    read, _ = _read(phrases, output)
    problems = rules.all_problems(read, known, phrases)
    for warning in warnings:
        output.notice(warning)
    if json:
        _print_json({"model": model, "phrases": len(read.found), "problems": problems})
    elif problems:
        typer.echo("\n".join(problems))
    else:
        typer.echo(f"{phrases}: {_count(len(read.found))}, fit for {model}")
    return 2 if problems else 0


def _read(given: str, output: Output) -> tuple[Phrases, Path | None]:
    """The phrases in the file that `given` names, and that file; or those in it itself. Raises UsageError."""
    from asrcli.cli.flags.textfiles import contents, file_named
    from asrcli.settings.phrases import is_list_id, read_items, read_lines

    if is_list_id(given) and not Path(given).is_file():
        raise UsageError(f"{given} is the id of a list, where phrases or a file of them are wanted")
    path = None
    if given == "-":
        read = read_lines(_standard_input(), "-")
    else:
        path = file_named(given, "FILE")
        read = read_items(given, "phrases:") if path is None else read_lines(contents(path, "FILE"), given)
    if read.repeated:
        output.notice(f"{_count(read.repeated)} came more than once and count once")
    return read, path


def _standard_input() -> str:
    if sys.stdin is None:
        raise UsageError("standard input is closed", hint="pipe phrases into it, or name a file")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("standard input is not a text in UTF-8") from error


def _check_ids(ids: Sequence[str]) -> None:
    from asrcli.settings.phrases import is_list_id

    for each in ids:
        if not is_list_id(each):
            raise UsageError(f"{each!r} is not the id of a list", hint="it begins with vocab-; see `asrcli vocab list`")


def _output() -> Output:
    """Where notices and errors go: to standard error, as lines."""
    from asrcli.output.output import Output
    from asrcli.output.views.plain import QuietView

    return Output([], QuietView(sys.stderr))


def _print_json(document: object) -> None:
    typer.echo(json_module.dumps(document, ensure_ascii=False, indent=2))


def _count(phrases: int) -> str:
    return f"{phrases} {'phrase' if phrases == 1 else 'phrases'}"
