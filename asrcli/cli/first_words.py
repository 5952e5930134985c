"""The command that a line leaves out: `asrcli talk.wav` is `asrcli file talk.wav`, `asrcli help mic` its help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from asrcli.cli.commands import SUMMARIES
from asrcli.values.errors import UsageError

_OWN = ("-h", "--help", "-V", "--version", "--install-completion", "--show-completion")
"""Options of the program itself."""
_SAMPLE = "|"


def with_command(arguments: list[str], command: Callable[[str], Any]) -> list[str]:
    """`arguments` as they are with the command that they mean; `command` gives Typer's, by its name.

    Raises UsageError for a word that other tools have for one of ours and for options that stand before their command.
    """
    if not arguments or arguments[0] in SUMMARIES or arguments[0].partition("=")[0] in _OWN:
        return arguments
    from asrcli.runs.inputs import is_source

    word = _first_word(arguments, command("file").params) if _is_option(arguments[0]) else arguments[0]
    if word in SUMMARIES and word is not None:
        import shlex

        before = arguments.index(word)
        line = [word, *arguments[:before], *arguments[before + 1 :]]
        raise UsageError(f"options stand after the command: {arguments[0]}", hint=f"`asrcli {shlex.join(line)}`")
    if word is None:
        return arguments
    _refuse_other_words(word, arguments)
    return ["file", *arguments] if is_source(word) else arguments


def nearest(word: str, names: Sequence[str], likeness: float = 0.6) -> str | None:
    """The one of `names` for which `word` may be a slip of the finger: so much of both is the same."""
    import difflib

    found = difflib.get_close_matches(word.lower(), names, n=1, cutoff=likeness)
    return found[0] if found else None


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _first_word(arguments: Sequence[str], parameters: Sequence[Any]) -> str | None:
    """The first that is neither an option of `asrcli file` nor the value of one; None where there is none."""
    options = [each for each in parameters if each.param_type_name == "option"]
    flags = {name: each.is_flag or each.count for each in options for name in (*each.opts, *each.secondary_opts)}
    words = iter(arguments)
    for word in words:
        if word == "--":
            return next(words, None)
        if not _is_option(word):
            return word
        name = word if word.startswith("--") else word[:2]
        # A value may stand in the word itself: --model=x, -mx.
        if not flags.get(name, True) and word == name:
            next(words, None)
    return None


def _refuse_other_words(word: str, arguments: Sequence[str]) -> None:
    import shlex

    from asrcli.cli import other_tools
    from asrcli.runs.inputs import is_source

    if (said := other_tools.instead(word)) is not None and not is_source(word):
        raise UsageError(f"there is no command {word!r}: {said}", hint="`asrcli --help` lists what there is")
    if (ours := other_tools.command_for(word)) is None:
        return
    command, _, sample = ours.partition(_SAMPLE)
    rest = [each for each in arguments if each is not word]
    if command == "mic" and any(is_source(each) for each in rest):
        command = "file"
    if sample:
        named = shlex.join(rest) or sample.partition(" ")[0]
        command = f"{command} {named} {sample.partition(' ')[2]}".rstrip()
    elif rest:
        command = f"{command} {shlex.join(rest)}"
    meant = f"; or `asrcli file {shlex.quote(word)}` for what is called so" if is_source(word) else ""
    raise UsageError(f"there is no command {word!r}", hint=f"here it is `asrcli {command}`{meant}")
